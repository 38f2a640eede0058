/// The failures Trimtab can report, by who must act on them.
@NullMarked
package dev.trimtab.error;

import org.jspecify.annotations.NullMarked;
