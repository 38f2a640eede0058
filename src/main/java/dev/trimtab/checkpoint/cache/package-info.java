/// What is kept on disk between two starts, named by what it depends on.
@NullMarked
package dev.trimtab.checkpoint.cache;

import org.jspecify.annotations.NullMarked;
