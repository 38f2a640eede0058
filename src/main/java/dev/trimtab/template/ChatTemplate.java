package dev.trimtab.template;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.template.builtin.Filters;
import dev.trimtab.template.builtin.Predicates;
import dev.trimtab.template.syntax.Parser;
import dev.trimtab.template.syntax.Statement;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Value;
import java.time.Clock;
import java.time.ZoneId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A checkpoint's chat template, compiled: turns messages and tools into the text of a prompt.
///
/// The language is Jinja as Hugging Face's `apply_chat_template` sets it up (trimmed blocks, `break`
/// and `continue`, `generation`, its own `tojson`, `raise_exception` and `strftime_now`), with Python's
/// rules for values. A template comes from a file of unknown origin: it reaches nothing but the
/// context, changes nothing, and [Rendering] limits what it uses.
///
/// It differs from Python, on purpose, in these:
///
/// - `safe` and `escape` give plain texts. Python goes on to escape for HTML whatever `+` joins to such a
///   text, and so spoils the JSON of some templates; no model was trained on `&#34;`.
/// - What Python refuses but has one sensible meaning is done: a text joined to a number, the length of what
///   a filter selected, `tojson` of something undefined (null).
/// - Integers have 64 bits, and what exceeds the limits is refused.
///
/// Immutable; may be used by several threads.
public final class ChatTemplate {
    /// The longest real template has some 20 thousand characters.
    static final int SOURCE_MAX = 1 << 18;

    private final List<Statement> statements;

    private ChatTemplate(List<Statement> statements) {
        this.statements = statements;
    }

    /// Compiles a template. Throws [BadCheckpoint], with the line and what was expected, if it does not
    /// parse or is longer than 262,144 characters.
    public static ChatTemplate compile(String source) {
        if (source.length() > SOURCE_MAX) {
            throw BadCheckpoint.mismatch(
                    "chat template", "at most " + SOURCE_MAX + " characters", source.length() + " characters");
        }
        return new ChatTemplate(Parser.parse(source, Filters.names(), Predicates.names()));
    }

    /// Renders with the system's clock; see [#render(Map, Clock)].
    public String render(Map<String, ?> context) {
        return render(context, Clock.system(ZoneId.systemDefault()));
    }

    /// The text for a context, which holds `messages`, `tools`, `add_generation_prompt`, `bos_token`,
    /// `eos_token` and whatever else the template reads: values are `String`, `Boolean`, `Long`,
    /// `Integer`, `Double`, `List`, `Map` or null (Python's `None`). `clock` tells `strftime_now` the
    /// time.
    ///
    /// Throws [dev.trimtab.error.InvalidRequest] when the template refuses the context
    /// (`raise_exception`, with its message) or cannot work with it (a number where it joins texts),
    /// and [BadCheckpoint] when the template exceeds a limit or calls what does not exist.
    public String render(Map<String, ?> context, Clock clock) {
        var rendering = new Rendering(clock);
        Map<String, Value> variables = HashMap.newHashMap(context.size());
        for (Map.Entry<String, ?> entry : context.entrySet()) {
            variables.put(entry.getKey(), rendering.of(entry.getValue()));
        }
        return new Interpreter(rendering).run(statements, Scope.root(variables));
    }
}
