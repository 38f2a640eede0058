package dev.trimtab.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.trimtab.error.Internal;
import java.util.Map;

/// What commands print for programs.
final class Json {
    private Json() {}

    /// `facts` in their order, a line each.
    static String indented(Map<String, Object> facts) {
        try {
            return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(facts);
        } catch (JsonProcessingException e) {
            throw new Internal("facts do not render as JSON", e);
        }
    }
}
