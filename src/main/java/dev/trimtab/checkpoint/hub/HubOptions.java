package dev.trimtab.checkpoint.hub;

import dev.trimtab.error.BadConfiguration;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Which hub, as whom, and where what it gives is kept.
///
/// @param base where the hub answers, such as `https://huggingface.co`; a path is kept
/// @param token sent to that host alone, and over plain HTTP to this machine only; never printed
/// @param cache the folder of all that was fetched
/// @param stall how long the hub may say nothing before the connection counts as lost
public record HubOptions(URI base, Optional<String> token, Path cache, Duration stall) {
    /// The hub everyone means.
    public static final URI HUGGING_FACE = URI.create("https://huggingface.co");

    /// Far longer than any pause of a working connection, far shorter than anyone's patience.
    public static final Duration STALL = Duration.ofSeconds(30);

    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final int TOKEN_LENGTH_MAX = 1_024;

    public HubOptions {
        boolean http = "http".equals(base.getScheme());
        if ((!http && !"https".equals(base.getScheme())) || base.getHost() == null || base.getQuery() != null) {
            throw new BadConfiguration("hub `" + base + "`: expected https://HOST or http://HOST");
        }
        String spelled = base.toString();
        base = spelled.endsWith("/") ? URI.create(spelled.substring(0, spelled.length() - 1)) : base;
        token = token.map(String::strip).filter(secret -> !secret.isEmpty());
        token.ifPresent(HubOptions::checkToken);
        if (token.isPresent() && http && !LOOPBACK.contains(base.getHost().toLowerCase(Locale.ROOT))) {
            throw new BadConfiguration("hub `" + base + "`: a token is sent over https only");
        }
        cache = cache.toAbsolutePath().normalize();
    }

    private static void checkToken(String secret) {
        boolean printable = secret.chars().allMatch(c -> c > ' ' && c < 0x7F);
        if (!printable || secret.length() > TOKEN_LENGTH_MAX) {
            throw new BadConfiguration("the hub's token: up to " + TOKEN_LENGTH_MAX + " printable characters expected");
        }
    }

    /// `XDG_CACHE_HOME/trimtab`, else `~/.cache/trimtab`.
    ///
    /// @param xdgCacheHome as the environment has it; a relative one does not count (XDG Base Directory 0.8)
    public static Path defaultCache(Optional<String> xdgCacheHome, Path home) {
        return xdgCacheHome
                .filter(text -> !text.isEmpty())
                .map(Path::of)
                .filter(Path::isAbsolute)
                .orElse(home.resolve(".cache"))
                .resolve("trimtab");
    }

    @Override
    public String toString() {
        return base + " (" + (token.isPresent() ? "with" : "without") + " a token), kept in " + cache;
    }
}
