/// The syntax of chat templates: tokens, the parser, and the tree it makes. Used by
/// `dev.trimtab.template` only.
@NullMarked
package dev.trimtab.template.syntax;

import org.jspecify.annotations.NullMarked;
