/// Chat templates: a Jinja interpreter with limits.
@NullMarked
package dev.trimtab.template;

import org.jspecify.annotations.NullMarked;
