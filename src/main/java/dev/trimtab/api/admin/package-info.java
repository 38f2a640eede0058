/// Administration over HTTP: what is served, changed while it is served.
@NullMarked
package dev.trimtab.api.admin;

import org.jspecify.annotations.NullMarked;
