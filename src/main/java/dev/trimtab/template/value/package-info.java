/// The values chat templates compute with: Python's data model, as far as Jinja shows it, with a limit
/// on everything. Used by `dev.trimtab.template` only.
@NullMarked
package dev.trimtab.template.value;

import org.jspecify.annotations.NullMarked;
