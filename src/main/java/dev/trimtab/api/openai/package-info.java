/// OpenAI's dialect: chat completions, completions, models, and vLLM's tokenize and detokenize.
@NullMarked
package dev.trimtab.api.openai;

import org.jspecify.annotations.NullMarked;
