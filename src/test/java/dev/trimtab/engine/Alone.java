package dev.trimtab.engine;

import dev.trimtab.tokenizer.Detokenizer;
import java.util.List;

/// What a request gives when it runs alone, the plain way: one token after the other, no blocks, no batch,
/// stop strings searched for in the whole text. The reference for the engine over a [FakeRunner].
///
/// `reason` is the finish reason's name, or FAILED.
record Alone(String text, int tokens, String reason) {
    static Alone run(GenerationRequest request, int lengthMax, FakeRunner.Faults faults) {
        int vocabSize = TinyVocabulary.size();
        Sampler sampler = new Sampler(vocabSize);
        Penalties penalties = new Penalties(request.sampling(), request.prompt());
        Detokenizer detokenizer = TinyVocabulary.TOKENIZER.detokenizer();
        StringBuilder text = new StringBuilder();
        int outputMax = Math.min(request.stop().maxTokens(), lengthMax - request.prompt().length);
        long history = 0;
        for (int id : request.prompt()) {
            history = FakeRunner.extend(history, id);
        }
        for (int output = 0; output < outputMax; output++) {
            float[] logits = new float[vocabSize];
            FakeRunner.fillLogits(history, faults, logits, 0);
            penalties.adjust(logits, 0);
            long seed = request.sampling().seed().orElseThrow();
            int token = sampler.sample(logits, 0, request.sampling(), seed, output);
            if (token == Sampler.BAD_LOGITS) {
                return new Alone(text.toString(), output, "FAILED");
            }
            penalties.count(token);
            history = FakeRunner.extend(history, token);
            boolean stops = request.stop().tokenIds().contains(token)
                    || (token == TinyVocabulary.EOS && !request.stop().ignoreEos());
            boolean last = stops || output + 1 == outputMax;
            text.append(stops ? "" : detokenizer.accept(token)).append(last ? detokenizer.finish() : "");
            int cut = firstStop(text.toString(), request.stop().strings());
            if (cut >= 0) {
                return new Alone(text.substring(0, cut), output + 1, "STOP");
            }
            if (last) {
                return new Alone(text.toString(), output + 1, stops ? "STOP" : "LENGTH");
            }
        }
        throw new AssertionError("no room for output");
    }

    /// Where the stop string begins that ends first, the longest of those; -1 when there is none.
    static int firstStop(String text, List<String> strings) {
        for (int end = 1; end <= text.length(); end++) {
            int start = Integer.MAX_VALUE;
            for (String string : strings) {
                if (text.substring(0, end).endsWith(string)) {
                    start = Math.min(start, end - string.length());
                }
            }
            if (start < Integer.MAX_VALUE) {
                return start;
            }
        }
        return -1;
    }
}
