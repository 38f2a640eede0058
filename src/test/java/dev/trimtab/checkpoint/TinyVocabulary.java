package dev.trimtab.checkpoint;

import java.util.ArrayList;
import java.util.List;

/// A byte-level BPE vocabulary small enough to read: the 256 bytes in GPT-2's letters, a few merges, three
/// control tokens, and unused ones up to the size asked for. Any text has tokens in it.
final class TinyVocabulary {
    static final String END_OF_TEXT = "<|endoftext|>";
    static final String START = "<|im_start|>";
    static final String END = "<|im_end|>";

    /// Pairs in order of rank; each makes one token.
    static final List<String> MERGES =
            List.of("Ġ t", "h e", "Ġt he", "i n", "e r", "a n", "o n", "an d", "Ġ and", "r e", "i t", "i s");

    private static final List<String> CONTROL = List.of(END_OF_TEXT, START, END);

    /// Tokens there are before unused ones.
    static final int SIZE_MIN = 256 + 12 + 3;

    private static final long NORMAL = 1;
    private static final long CONTROL_TYPE = 3;
    private static final long UNUSED = 5;

    private TinyVocabulary() {}

    /// Writes the keys of a vocabulary of `size` tokens.
    static void write(GgufWriter writer, int size) {
        List<String> tokens = tokens(size);
        long[] types = new long[size];
        for (int id = 0; id < size; id++) {
            types[id] = id >= SIZE_MIN ? UNUSED : CONTROL.contains(tokens.get(id)) ? CONTROL_TYPE : NORMAL;
        }
        writer.text("tokenizer.ggml.model", "gpt2")
                .text("tokenizer.ggml.pre", "gpt-2")
                .texts("tokenizer.ggml.tokens", tokens)
                .put("tokenizer.ggml.token_type", new MetadataValue.Wholes(ValueType.INT32, types))
                .texts("tokenizer.ggml.merges", MERGES)
                .uint32("tokenizer.ggml.bos_token_id", tokens.indexOf(END_OF_TEXT))
                .uint32("tokenizer.ggml.eos_token_id", tokens.indexOf(END))
                .put("tokenizer.ggml.add_bos_token", new MetadataValue.Flag(false))
                .text("tokenizer.chat_template", """
                        {%- for message in messages %}
                        {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
                        {%- endfor %}
                        {%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}""");
    }

    private static List<String> tokens(int size) {
        List<String> tokens = new ArrayList<>();
        for (int value = 0; value < 256; value++) {
            tokens.add(letter(value));
        }
        MERGES.forEach(merge -> tokens.add(merge.replace(" ", "")));
        tokens.addAll(CONTROL);
        for (int unused = 0; tokens.size() < size; unused++) {
            tokens.add("<|unused" + unused + "|>");
        }
        return tokens;
    }

    /// GPT-2's letter for a byte: itself where it prints, else the next of the letters from U+0100 on.
    private static String letter(int value) {
        int shifted = 256;
        for (int other = 0; other < value; other++) {
            shifted += prints(other) ? 0 : 1;
        }
        return Character.toString(prints(value) ? value : shifted);
    }

    private static boolean prints(int value) {
        return (value >= '!' && value <= '~') || (value >= 0xA1 && value != 0xAD);
    }
}
