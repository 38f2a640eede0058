/// What every HTTP dialect shares: the endpoint table's row, one exchange, limits, JSON, event streams,
/// failures.
@NullMarked
package dev.trimtab.api.http;

import org.jspecify.annotations.NullMarked;
