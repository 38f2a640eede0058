package dev.trimtab.tokenizer.huggingface;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// What a `tokenizer.json` says.
///
/// @param metadata tokens, their kinds and scores, and special ids, under GGUF's keys: of the file, or else of
///     the configuration beside it
/// @param spelling the bytes of an ordinary token's piece
public record TokenizerJson(
        Metadata metadata,
        List<AddedToken> addedTokens,
        Normalizer normalizer,
        PieceCutter cutter,
        Function<String, byte[]> spelling,
        Model model) {
    /// The metadata's key of the file's text.
    public static final String KEY = "tokenizer.huggingface.json";

    /// How words become tokens.
    public sealed interface Model {
        /// Byte pair encoding.
        ///
        /// @param fusesUnknown whether unknown characters in a row are one unknown token
        /// @param takesWholeWords whether a word that is a token becomes it, whatever merging would do
        record Bpe(List<Merge> merges, boolean fusesUnknown, boolean takesWholeWords) implements Model {}

        /// The cut with the highest sum of scores.
        record Unigram() implements Model {}
    }

    /// Two pieces that merge; earlier ones in the list go first.
    public record Merge(String left, String right) {}

    /// As many tokens as a vocabulary may have anywhere here.
    private static final int ID_MAX = (1 << 22) - 1;

    private static final String BOS = "bos";
    private static final String EOS = "eos";
    private static final int NORMAL = 1;
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final int UNUSED = 5;
    private static final int BYTE = 6;

    /// Reads the file under [#KEY] of `folder`, whose other keys say what the configuration files say.
    ///
    /// @throws BadCheckpoint when it is no JSON, or contradicts itself
    /// @throws Unsupported for models and steps that are not known, by name
    public static TokenizerJson read(Metadata folder) {
        Json json = Json.parse(folder.source() + ": tokenizer.json", folder.string(KEY));
        return new Reader(folder, json).read();
    }

    private static final class Reader {
        private final Metadata folder;
        private final Json json;
        private final Json model;
        private final Map<String, Integer> ids = new HashMap<>();
        private final Map<String, MetadataValue> values = new LinkedHashMap<>();

        Reader(Metadata folder, Json json) {
            this.folder = folder;
            this.json = json;
            this.model = json.get("model");
        }

        TokenizerJson read() {
            PieceSpelling spelling = json.find("decoder").map(PieceSpelling::of).orElse(PieceSpelling.PLAIN);
            folder.values().forEach((key, value) -> {
                if (key.startsWith("tokenizer.ggml.") || key.startsWith("trimtab.tokenizer.")) {
                    values.put(key, value);
                }
            });
            Model read = switch (modelType()) {
                case "BPE" -> bpe();
                case "Unigram" -> unigram();
                default -> throw model.unsupported();
            };
            List<AddedToken> added = addedTokens();
            tokens(added, spelling);
            put("tokenizer.ggml.add_space_prefix", new MetadataValue.Flag(spelling.dropsFirstSpace()));
            specialIds();
            return new TokenizerJson(
                    new Metadata(folder.source(), values),
                    added,
                    json.find("normalizer").map(Normalizer::of).orElse(Normalizer.NONE),
                    json.find("pre_tokenizer").map(PieceCutter::of).orElse(PieceCutter.NONE),
                    spelling.bytes(),
                    read);
        }

        /// Files of old versions leave the type out; their unigram models are lists.
        private String modelType() {
            return model.text("type", model.get("vocab").value() instanceof List ? "Unigram" : "BPE");
        }

        private void put(String key, MetadataValue value) {
            values.put(key, value);
        }

        private void putId(String name, int id) {
            put("tokenizer.ggml." + name + "_token_id", new MetadataValue.Whole(ValueType.UINT32, id));
        }

        private Model bpe() {
            for (String affix : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
                if (!model.text(affix, "").isEmpty()) {
                    throw new Unsupported(
                            model.where() + ": " + affix + " '" + model.text(affix) + "' is not supported");
                }
            }
            Json vocab = model.get("vocab");
            vocab.map().forEach((piece, id) -> {
                String text = String.valueOf(piece);
                ids.put(text, new Json(vocab.where() + "[" + text + "]", id).integer(0, ID_MAX));
            });
            model.find("unk_token").ifPresent(unknown -> putId("unknown", idOf(unknown)));
            return new Model.Bpe(
                    model.get("merges").list().stream().map(Reader::merge).toList(),
                    model.flag("fuse_unk", false),
                    model.flag("ignore_merges", false));
        }

        private static Merge merge(Json merge) {
            if (merge.value() instanceof String line) {
                int space = line.indexOf(' ', 1);
                if (space > 0) {
                    return new Merge(line.substring(0, space), line.substring(space + 1));
                }
            } else if (merge.list().size() == 2) {
                return new Merge(
                        merge.list().getFirst().text(), merge.list().getLast().text());
            }
            throw BadCheckpoint.mismatch(merge.where(), "two pieces", merge.value());
        }

        private Model unigram() {
            List<Json> rows = model.get("vocab").list();
            double[] scores = new double[rows.size()];
            for (int id = 0; id < scores.length; id++) {
                List<Json> row = rows.get(id).list();
                if (row.size() != 2) {
                    throw BadCheckpoint.mismatch(rows.get(id).where(), "a piece and its score", row.size() + " values");
                }
                ids.put(row.getFirst().text(), id);
                scores[id] = row.getLast().number();
            }
            put("tokenizer.ggml.scores", new MetadataValue.Reals(ValueType.FLOAT64, scores));
            model.find("unk_id").ifPresent(id -> putId("unknown", id.integer(0, scores.length - 1)));
            return new Model.Unigram();
        }

        private int idOf(Json piece) {
            Integer id = ids.get(piece.text());
            if (id == null) {
                throw BadCheckpoint.mismatch(piece.where(), "a token", piece.text());
            }
            return id;
        }

        /// A text that the vocabulary has already keeps its id there.
        private List<AddedToken> addedTokens() {
            List<AddedToken> tokens = new ArrayList<>();
            List<Json> rows = json.find("added_tokens").map(Json::list).orElse(List.of());
            for (Json row : rows) {
                AddedToken token = AddedToken.of(row, ID_MAX);
                if (!token.content().isEmpty()) {
                    ids.putIfAbsent(token.content(), token.id());
                    tokens.add(token.withId(ids.get(token.content())));
                }
            }
            return List.copyOf(tokens);
        }

        private void tokens(List<AddedToken> added, PieceSpelling spelling) {
            int size = ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
            String[] pieces = new String[size];
            long[] types = new long[size];
            Arrays.fill(pieces, "");
            Arrays.fill(types, UNUSED);
            boolean readsBytes = model.flag("byte_fallback", false) || spelling.readsBytes();
            ids.forEach((piece, id) -> {
                if (types[id] != UNUSED) {
                    throw new BadCheckpoint(
                            model.where() + ": tokens '" + pieces[id] + "' and '" + piece + "' have the same id " + id);
                }
                pieces[id] = piece;
                types[id] = readsBytes && piece.matches("<0x[0-9A-Fa-f]{2}>") ? BYTE : NORMAL;
            });
            if (values.get("tokenizer.ggml.unknown_token_id") instanceof MetadataValue.Whole unknown) {
                types[Math.toIntExact(unknown.value())] = UNKNOWN;
            }
            added.forEach(token -> types[token.id()] = token.isSpecial() ? CONTROL : USER_DEFINED);
            if (values.get("tokenizer.ggml.scores") instanceof MetadataValue.Reals scores) {
                put(
                        "tokenizer.ggml.scores",
                        new MetadataValue.Reals(ValueType.FLOAT64, Arrays.copyOf(scores.reals(), size)));
            }
            put("tokenizer.ggml.tokens", new MetadataValue.Texts(List.of(pieces)));
            put("tokenizer.ggml.token_type", new MetadataValue.Wholes(ValueType.INT32, types));
        }

        /// What `tokenizer_config.json` says goes before what the post-processor does, and that before the
        /// model's own configuration.
        private void specialIds() {
            json.find("post_processor").ifPresent(this::postProcessor);
            for (String name : List.of(BOS, EOS, "padding")) {
                String key = "tokenizer.huggingface." + name + "_token";
                Optional.of(folder.string(key, "")).map(ids::get).ifPresent(id -> putId(name, id));
            }
            for (String name : List.of(BOS, EOS)) {
                String key = "tokenizer.ggml.add_" + name + "_token";
                folder.find(key)
                        .ifPresentOrElse(
                                value -> put(key, value), () -> values.putIfAbsent(key, new MetadataValue.Flag(false)));
            }
        }

        /// Which tokens stand before and after a text.
        private void postProcessor(Json processor) {
            switch (processor.type()) {
                case "Sequence" -> processor.get("processors").list().forEach(this::postProcessor);
                case "TemplateProcessing" -> {
                    List<Json> parts = processor.get("single").list();
                    if (parts.isEmpty()) {
                        throw BadCheckpoint.mismatch(processor.where() + ".single", "a template", "none");
                    }
                    parts.getFirst().find("SpecialToken").ifPresent(token -> adds(BOS, token.get("id")));
                    parts.getLast().find("SpecialToken").ifPresent(token -> adds(EOS, token.get("id")));
                }
                case "BertProcessing", "RobertaProcessing" -> {
                    adds(BOS, first(processor.get("cls")));
                    adds(EOS, first(processor.get("sep")));
                }
                case "ByteLevel" -> {}
                default -> throw processor.unsupported();
            }
        }

        /// The text of a pair of text and id.
        private static Json first(Json pair) {
            return pair.list().stream()
                    .findFirst()
                    .orElseThrow(() -> BadCheckpoint.mismatch(pair.where(), "a token and its id", "nothing"));
        }

        private void adds(String name, Json piece) {
            putId(name, idOf(piece));
            put("tokenizer.ggml.add_" + name + "_token", new MetadataValue.Flag(true));
        }
    }
}
