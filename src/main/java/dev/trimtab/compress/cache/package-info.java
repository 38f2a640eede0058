/// Forms that took a method to make, kept on disk.
@NullMarked
package dev.trimtab.compress.cache;

import org.jspecify.annotations.NullMarked;
