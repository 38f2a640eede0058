package dev.trimtab.compress.export;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.adapter.HeadRows;
import dev.trimtab.checkpoint.huggingface.TensorNames;
import dev.trimtab.checkpoint.io.FileOutput;
import dev.trimtab.checkpoint.safetensors.SafetensorsWriter;
import dev.trimtab.checkpoint.vocabulary.ConfigIds;
import dev.trimtab.compress.cache.CachedForms;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.PackedMatrix;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Writes what a recipe made as a folder that Hugging Face's transformers loads: every weight decoded to 16 bits
/// (F32 where it was), `config.json` with the sizes as they have become, and the tokenizer's files of the source,
/// less the tokens that are gone.
///
/// It is for what structured pruning and merging leave, all layers alike: codes grow back to 16 bits.
public final class FolderExport {
    /// Families whose tensors are the same in both layouts but for names and the order of q's and k's rows.
    private static final Set<String> FAMILIES = Set.of("llama", "qwen2", "qwen3");

    /// What transformers has no module for, in any of these families.
    private static final Set<String> ADDED =
            Set.of("attn_output.bias", "ffn_down.bias", "ffn_up.bias", "ffn_gate.bias");

    private static final String TOKENIZER = "tokenizer.json";
    private static final String SENTENCE_PIECE = "tokenizer.model";
    private static final List<String> SIDE_FILES = List.of(
            TOKENIZER,
            SENTENCE_PIECE,
            "tokenizer_config.json",
            "special_tokens_map.json",
            "generation_config.json",
            "chat_template.jinja");

    /// Those that name tokens by their ids.
    private static final Set<String> ID_FILES = Set.of("tokenizer_config.json", "generation_config.json");

    /// Where the metadata of a folder has its tokenizer.
    private static final String TOKENIZER_KEY = "tokenizer.huggingface.json";

    private static final String CONFIG = "config.json";

    /// Hugging Face's own limit.
    private static final long SHARD_BYTES_MAX = 5_000_000_000L;

    private final CachedForms model;
    private final ComputePool pool;
    private final String architecture;
    private final HeadOrder order;
    private final ExportReport.Draft draft = new ExportReport.Draft();

    private FolderExport(CachedForms model, ComputePool pool) {
        this.model = model;
        this.pool = pool;
        this.architecture = model.metadata().string("general.architecture");
        this.order = HeadOrder.to(HeadRows.HALVES, model.metadata());
    }

    /// Writes `folder`, which must not be there or be empty, whole or not at all.
    ///
    /// @param source the folder that the model was read from, where it was one
    /// @throws Unsupported for families and sizes that the layout has no words for
    /// @throws BadConfiguration where `folder` holds something
    public static ExportReport write(
            CachedForms model, ComputePool pool, Optional<Path> source, Path folder, ExportProgress progress) {
        FolderExport export = new FolderExport(model, pool);
        export.check();
        source.ifPresent(export::checkTokenizer);
        try {
            return export.write(source, folder.toAbsolutePath(), progress);
        } catch (IOException e) {
            throw new UncheckedIOException(folder + ": cannot be written: " + e.getMessage(), e);
        }
    }

    private void check() {
        Metadata metadata = model.metadata();
        if (!FAMILIES.contains(architecture)) {
            throw new Unsupported(metadata.source() + ": a folder of " + architecture + "; written are "
                    + FAMILIES.stream().sorted().toList() + "; write a .gguf instead");
        }
        if (!LlamaCppMetadata.isUniform(metadata)) {
            throw new Unsupported(metadata.source() + ": layers of different sizes: a config.json has one for all;"
                    + " write a .gguf instead");
        }
        model.shapes().keySet().stream()
                .filter(name -> ADDED.stream().anyMatch(name::endsWith) || name.contains("_exps."))
                .findFirst()
                .ifPresent(name -> {
                    throw new Unsupported(metadata.source() + ": tensor " + name + ": transformers has no place for it"
                            + " in " + architecture + "; prune with `compensate: none`, or write a .gguf");
                });
    }

    private void checkTokenizer(Path source) {
        if (model.compression().keptTokens().isPresent() && !model.metadata().contains(TOKENIZER_KEY)) {
            throw new Unsupported(source + ": a vocabulary without some of its tokens: a " + TOKENIZER
                    + " expected, found none, and no other file of tokenizers is written; write a .gguf instead");
        }
    }

    private ExportReport write(Optional<Path> source, Path folder, ExportProgress progress) throws IOException {
        checkEmpty(folder);
        Path part = Files.createTempDirectory(folder.resolveSibling(""), folder.getFileName() + ".");
        try {
            byte[] config = new ConfigFile(model.metadata(), model.shapes()).write(source);
            write(part.resolve(CONFIG), source.isPresent() ? renamed(CONFIG, config) : config);
            weights(part, progress);
            sideFiles(source, part);
            Files.deleteIfExists(folder);
            Files.move(part, folder, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            removeAll(part);
        }
        for (Path file : listed(folder)) {
            draft.file(file);
        }
        return draft.report();
    }

    private static void checkEmpty(Path folder) throws IOException {
        if (Files.exists(folder)
                && (!Files.isDirectory(folder) || !listed(folder).isEmpty())) {
            throw new BadConfiguration(folder + ": a folder that is empty or not there yet expected");
        }
    }

    private static List<Path> listed(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    private static void removeAll(Path folder) throws IOException {
        if (Files.exists(folder)) {
            for (Path file : listed(folder)) {
                Files.delete(file);
            }
            Files.delete(folder);
        }
    }

    private void sideFiles(Optional<Path> source, Path folder) throws IOException {
        if (source.isEmpty()) {
            draft.remark("the tokenizer is in the GGUF file only: copy the files of the original model's");
            return;
        }
        for (String name : SIDE_FILES) {
            Path file = source.get().resolve(name);
            if (Files.exists(file)) {
                sideFile(name, file, folder.resolve(name));
            }
        }
    }

    /// Copies a file, or writes it anew where it says something of tokens that are gone.
    private void sideFile(String name, Path from, Path to) throws IOException {
        if (model.compression().keptTokens().isEmpty()) {
            Files.copy(from, to);
        } else if (name.equals(TOKENIZER)) {
            write(to, model.metadata().string(TOKENIZER_KEY).getBytes(StandardCharsets.UTF_8));
        } else if (name.equals(SENTENCE_PIECE)) {
            draft.remark(
                    SENTENCE_PIECE + " has the whole vocabulary and is left out: " + TOKENIZER + " is the tokenizer");
        } else if (ID_FILES.contains(name)) {
            write(to, renamed(name, Files.readAllBytes(from)));
        } else {
            Files.copy(from, to);
        }
    }

    /// The JSON file `name` with the ids that tokens have become.
    private byte[] renamed(String name, byte[] json) {
        return model.compression()
                .keptTokens()
                .map(kept -> ConfigIds.renamed(name, new String(json, StandardCharsets.UTF_8), kept)
                        .getBytes(StandardCharsets.UTF_8))
                .orElse(json);
    }

    private static void write(Path file, byte[] bytes) {
        FileOutput.write(file, channel -> FileOutput.write(channel, bytes));
    }

    private void weights(Path folder, ExportProgress progress) {
        try (Spool spool = new Spool(folder)) {
            long total =
                    model.shapes().values().stream().mapToLong(Shape::elements).sum();
            long done = 0;
            for (String name : GgufExport.inOrder(model)) {
                if (!name.equals("rope_freqs.weight")) {
                    done += weight(name, spool);
                    progress.at(done, total);
                }
            }
            SafetensorsWriter writer = new SafetensorsWriter().text("format", "pt");
            spool.tensors().forEach(writer::tensor);
            writer.writeSharded(folder, SHARD_BYTES_MAX);
        }
    }

    /// The number of its elements.
    private long weight(String name, Spool spool) {
        TensorForm form = model.form(name);
        Optional<PackedFormat> packed = model.compression()
                .plan()
                .format(model.compression().sourceName(name))
                .filter(PackedFormat::isCoded);
        try (Arena arena = Arena.ofShared()) {
            TensorEncoder encoder = new TensorEncoder(pool, arena);
            TensorForm served = form;
            if (packed.isPresent() && form instanceof TensorForm.Dense(Tensor tensor)) {
                served = unpacked(tensor, packed.get(), encoder);
            }
            Encoding encoding = plain(form);
            Tensor decoded = encoder.rounded(name, served, encoding);
            spool.add(TensorEncoder.renamed(huggingFace(name), order.reordered(name, decoded)));
            String from = packed.map(format -> " from " + format.name().toLowerCase(Locale.ROOT))
                    .orElse("");
            draft.tensor(decoded.encoding() + ", decoded" + from);
            return form.shape().elements();
        }
    }

    /// What the codes that packing chooses decode to.
    private TensorForm unpacked(Tensor tensor, PackedFormat format, TensorEncoder encoder) {
        PackedMatrix packed = PackedMatrix.pack(tensor, format, pool, encoder.arena());
        return new TensorForm.Dense(encoder.values(tensor.name(), packed));
    }

    private static Encoding plain(TensorForm form) {
        if (form instanceof TensorForm.Dense(Tensor tensor)) {
            return switch (tensor.encoding()) {
                case F32 -> Encoding.F32;
                case BF16 -> Encoding.BF16;
                default -> Encoding.F16;
            };
        }
        return Encoding.F16;
    }

    private String huggingFace(String name) {
        return TensorNames.aliases(name).stream()
                .filter(alias -> alias.startsWith("model.") || alias.startsWith("lm_head."))
                .filter(alias -> !alias.contains("gate_up_proj"))
                .filter(alias -> TensorNames.canonical(architecture, alias)
                        .filter(name::equals)
                        .isPresent())
                .findFirst()
                .orElseThrow(() -> new Unsupported(model.metadata().source() + ": tensor " + name
                        + ": transformers has no name for it in " + architecture));
    }
}
