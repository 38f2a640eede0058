package dev.trimtab.checkpoint.hub;

import com.fasterxml.jackson.core.JsonToken;
import dev.trimtab.checkpoint.JsonFile;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.NotFound;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Which files of a repository make the model that a reference means, and what to open of them.
///
/// 1. A file that is named: itself; of a split GGUF all parts; of safetensors also what lies beside it.
/// 2. A quantization (`:Q4_K_M`): the GGUF whose name has it as a word, the shortest such name.
/// 3. Nothing named, and GGUFs there: [#PREFERRED] in this order, else the first by name.
/// 4. Nothing named, and no GGUF: the folder: configuration, tokenizer, and `model.safetensors` or all the
///    files that the index names.
///
/// @param entry path of the file to open; empty for the whole folder
/// @param index the file that names further files to fetch, where there is one
record Selection(List<RemoteFile> files, String entry, Optional<RemoteFile> index) {
    /// llama.cpp's default, then the one that loses nothing one could measure.
    static final List<String> PREFERRED = List.of("Q4_K_M", "Q8_0");

    private static final String SAFETENSORS = ".safetensors";
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    /// What a folder may have beside its weights that any reader of ours or of others looks at.
    private static final List<String> SIDE_FILES = List.of(
            "config.json",
            "generation_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "tokenizer.model",
            "special_tokens_map.json",
            "added_tokens.json",
            "vocab.json",
            "merges.txt",
            "chat_template.jinja",
            "chat_template.json");

    /// As many files as a sharded checkpoint may have when it is opened.
    private static final int SHARDS_MAX = 1024;

    /// Shortest first: `x-Q4_K_M.gguf` before `x-UD-Q4_K_M.gguf`.
    private static final Comparator<String> PLAINEST =
            Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder());

    Selection {
        files = List.copyOf(files);
    }

    /// Chooses by the rules above.
    ///
    /// @throws NotFound when the repository has nothing that fits, saying what it has
    static Selection of(HubReference reference, Listing listing) {
        String selector = reference.selector();
        if (listing.find(selector).isPresent()) {
            return named(selector, listing);
        }
        List<String> models =
                listing.paths().stream().filter(Gguf::isModel).sorted().toList();
        if (!selector.isEmpty()) {
            return gguf(quantized(models, selector).orElseThrow(() -> absent(reference, listing)), listing);
        }
        if (models.isEmpty()) {
            return folder(reference, listing);
        }
        return gguf(preferred(models), listing);
    }

    private static String preferred(List<String> models) {
        return PREFERRED.stream()
                .flatMap(word -> quantized(models, word).stream())
                .findFirst()
                .orElse(models.getFirst());
    }

    private static Optional<String> quantized(List<String> models, String word) {
        return models.stream().filter(path -> Gguf.isQuantizedAs(path, word)).min(PLAINEST);
    }

    private static Selection named(String path, Listing listing) {
        if (!path.endsWith(SAFETENSORS)) {
            return gguf(path, listing);
        }
        List<RemoteFile> files = sideFiles(path.substring(0, path.lastIndexOf('/') + 1), listing);
        files.add(listing.get(path));
        return new Selection(files, path, Optional.empty());
    }

    private static Selection gguf(String path, Listing listing) {
        return new Selection(Gguf.parts(path).stream().map(listing::get).toList(), path, Optional.empty());
    }

    private static Selection folder(HubReference reference, Listing listing) {
        List<RemoteFile> files = sideFiles("", listing);
        Optional<RemoteFile> index = listing.find(INDEX);
        files.add(index.or(() -> listing.find(SINGLE)).orElseThrow(() -> absent(reference, listing)));
        return new Selection(files, "", index);
    }

    private static List<RemoteFile> sideFiles(String folder, Listing listing) {
        List<RemoteFile> files = new ArrayList<>();
        SIDE_FILES.forEach(name -> listing.find(folder + name).ifPresent(files::add));
        return files;
    }

    /// This, and the files that the index with the contents `json` names.
    Selection withShards(byte[] json, Listing listing) {
        List<RemoteFile> all = new ArrayList<>(files);
        shards(json).forEach(name -> all.add(listing.get(name)));
        return new Selection(all, entry, Optional.empty());
    }

    private static Set<String> shards(byte[] json) {
        return JsonFile.parse(INDEX, json, parser -> {
            Set<String> names = new LinkedHashSet<>();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                boolean wanted = parser.currentName().equals("weight_map");
                if (parser.nextToken() != JsonToken.START_OBJECT || !wanted) {
                    parser.skipChildren();
                    continue;
                }
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    JsonFile.expect(INDEX, "weight_map", JsonToken.VALUE_STRING, parser.nextToken());
                    names.add(parser.getText());
                    if (names.size() > SHARDS_MAX) {
                        throw BadCheckpoint.mismatch(INDEX + ": files", "at most " + SHARDS_MAX, "more");
                    }
                }
            }
            return names;
        });
    }

    private static NotFound absent(HubReference reference, Listing listing) {
        List<String> candidates = listing.paths().stream()
                .filter(path -> Gguf.isModel(path) || path.endsWith(SAFETENSORS))
                .sorted()
                .toList();
        String found = candidates.isEmpty()
                ? "no .gguf and no .safetensors file"
                : String.join(", ", candidates.subList(0, Math.min(20, candidates.size())))
                        + (candidates.size() > 20 ? " and " + (candidates.size() - 20) + " more" : "");
        return new NotFound(reference + ": nothing fits; the repository has " + found);
    }
}
