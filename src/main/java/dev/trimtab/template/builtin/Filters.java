package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Rendering;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/// All filters by name. Of Jinja's own only those are missing that no chat template can want: `random`,
/// and those for web pages (`urlize`, `xmlattr`, `striptags`) and terminals (`wordwrap`, `pprint`,
/// `filesizeformat`).
public final class Filters {
    private static final Map<String, Filter> TABLE = table();

    private Filters() {}

    private static Map<String, Filter> table() {
        Map<String, Filter> table = new HashMap<>(TextFilters.TABLE);
        table.putAll(SequenceFilters.TABLE);
        table.putAll(SelectionFilters.TABLE);
        table.putAll(ValueFilters.TABLE);
        return Map.copyOf(table);
    }

    public static Set<String> names() {
        return TABLE.keySet();
    }

    /// The filter of that name; refuses the template when there is none.
    public static Filter named(Rendering rendering, String name) {
        Filter filter = TABLE.get(name);
        if (filter == null) {
            throw rendering.broken("no filter named '" + name + "'");
        }
        return filter;
    }
}
