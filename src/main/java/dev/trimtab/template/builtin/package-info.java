/// What templates find ready: filters, tests, methods of strings, lists and dicts, and global
/// functions, in tables from name to function. Used by `dev.trimtab.template` only.
@NullMarked
package dev.trimtab.template.builtin;

import org.jspecify.annotations.NullMarked;
