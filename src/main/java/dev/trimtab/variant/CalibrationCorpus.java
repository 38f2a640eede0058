package dev.trimtab.variant;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Internal;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.NotFound;
import dev.trimtab.template.ChatTemplate;
import dev.trimtab.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Texts that a model reads to be calibrated or measured: a small corpus of our own (stories, prose, code,
/// numbers, four more languages, and chats), or somebody's file.
///
/// In the corpus documents stand between lines of `====`. One whose first line begins with `user:` or `system:`
/// is a chat, a turn a line and its further lines indented by two spaces; it is rendered by the model's own
/// template where it has one, for a chat model behaves in its template as nowhere else.
public final class CalibrationCorpus {
    private static final String RESOURCE = "/dev/trimtab/variant/calibration.txt";
    private static final String SEPARATOR = "\n====\n";
    private static final Pattern TURN = Pattern.compile("(system|user|assistant): (.*)");
    private static final String CONTINUED = "  ";
    private static final List<List<String>> CHATS =
            List.of(List.of("system", "user", "assistant", "user"), List.of("user", "assistant", "user"));

    /// More than a model reads in an hour.
    private static final long FILE_BYTES_MAX = 16L << 20;

    private CalibrationCorpus() {}

    /// The corpus of our own, as a model of `metadata`, whose tokenizer is `tokenizer`, should read it.
    public static List<String> builtIn(Metadata metadata, Tokenizer tokenizer) {
        Optional<ChatTemplate> template = template(metadata);
        Map<String, Object> defaults = Prompts.templateDefaults(tokenizer);
        List<String> documents = new ArrayList<>();
        for (String document : resource().strip().split(SEPARATOR, -1)) {
            documents.add(
                    isChat(document)
                            ? template.map(found -> render(found, defaults, document))
                                    .orElse(document)
                            : document);
        }
        return List.copyOf(documents);
    }

    /// What the template of `metadata` writes around messages that say next to nothing: a chat with a turn of each
    /// kind, as far as it knows them.
    static List<String> frames(Metadata metadata, Tokenizer tokenizer) {
        Optional<ChatTemplate> template = template(metadata);
        if (template.isEmpty()) {
            return List.of();
        }
        List<String> frames = new ArrayList<>();
        for (List<String> roles : CHATS) {
            List<Map<String, Object>> turns = new ArrayList<>();
            roles.forEach(role -> turns.add(Map.of("role", role, "content", "x")));
            Map<String, Object> context = new HashMap<>(Prompts.templateDefaults(tokenizer));
            context.put("messages", turns);
            context.put("add_generation_prompt", true);
            try {
                frames.add(template.get().render(context));
            } catch (InvalidRequest _) {
                // Some know no system turn; what they do know comes without it.
            }
        }
        return List.copyOf(frames);
    }

    private static Optional<ChatTemplate> template(Metadata metadata) {
        return metadata.contains("tokenizer.chat_template")
                ? Optional.of(ChatTemplate.compile(metadata.string("tokenizer.chat_template")))
                : Optional.empty();
    }

    /// The text of `file`, one document.
    ///
    /// @throws NotFound when there is no such file
    /// @throws BadConfiguration when it cannot be read as UTF-8, or is larger than 16 MiB
    public static List<String> file(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new NotFound("no text at " + file);
        }
        try {
            long bytes = Files.size(file);
            if (bytes > FILE_BYTES_MAX) {
                throw new BadConfiguration(file + ": at most " + MemoryPlan.readable(FILE_BYTES_MAX)
                        + " of text expected, found " + MemoryPlan.readable(bytes));
            }
            return List.of(Files.readString(file));
        } catch (IOException e) {
            throw new BadConfiguration(file + ": no UTF-8 text: " + e);
        }
    }

    private static String resource() {
        try (InputStream in = CalibrationCorpus.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new Internal("the built-in corpus is not on the class path: " + RESOURCE);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new Internal("the built-in corpus cannot be read", e);
        }
    }

    private static boolean isChat(String document) {
        return document.startsWith("user: ") || document.startsWith("system: ");
    }

    private static List<Map<String, Object>> turns(String document) {
        List<Map<String, Object>> turns = new ArrayList<>();
        for (String line : document.split("\n", -1)) {
            Matcher turn = TURN.matcher(line);
            if (turn.matches()) {
                turns.add(new LinkedHashMap<>(Map.of("role", turn.group(1), "content", turn.group(2))));
            } else {
                String more = line.startsWith(CONTINUED) ? line.substring(CONTINUED.length()) : line;
                turns.getLast().merge("content", more, (text, next) -> text + "\n" + next);
            }
        }
        return turns;
    }

    /// A template that refuses the chat (some know no system turn) leaves it as it stands.
    private static String render(ChatTemplate template, Map<String, Object> defaults, String document) {
        Map<String, Object> context = new HashMap<>(defaults);
        context.put("messages", turns(document));
        context.put("add_generation_prompt", false);
        try {
            return template.render(context);
        } catch (InvalidRequest _) {
            return document;
        }
    }
}
