package dev.trimtab.checkpoint.hub;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unavailable;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// A Hugging Face-compatible hub, seen through a cache: [#fetch(HubReference)] makes the files of a model be
/// here and says where.
///
/// - Asks the hub which commit a branch or tag is at, every time; a commit whose files are here costs no
///   network.
/// - Takes only bytes with the hash that the hub listed; what broke off goes on where it stopped.
/// - When the hub cannot be reached, what was fetched before is used, if it is whole, and a WARNING says so.
///
/// One file after the other; any number of threads and processes may fetch, and each file is fetched once.
public final class Hub {
    private static final System.Logger LOG = System.getLogger(Hub.class.getName());

    /// An index of a thousand files names a hundred thousand tensors in about 10 MB.
    private static final long INDEX_BYTES_MAX = 128L << 20;

    private final HubOptions options;
    private final FetchListener listener;
    private final Retry retry;

    public Hub(HubOptions options, FetchListener listener) {
        this(options, listener, new Retry(time -> TimeUnit.NANOSECONDS.sleep(time.toNanos()), Clock.systemUTC()));
    }

    Hub(HubOptions options, FetchListener listener, Retry retry) {
        this.options = options;
        this.listener = listener;
        this.retry = retry;
    }

    /// Fetches what lacks of the model and returns the file to open, or the folder of it.
    ///
    /// @throws dev.trimtab.error.NotFound when the hub or the repository does not have it
    /// @throws BadCheckpoint when the hub sends something else than it listed
    /// @throws dev.trimtab.error.BadConfiguration when the hub wants a token, or the cache cannot hold it
    /// @throws Unavailable when the hub cannot be reached, and nothing whole is here
    public Path fetch(HubReference reference) {
        RepositoryCache cache = RepositoryCache.of(options, reference.repository());
        CacheLock lock = cache.lock();
        try (HubClient client = new HubClient(options, retry)) {
            return new Fetch(reference, cache, client).run();
        } finally {
            try {
                lock.close();
            } catch (IOException e) {
                LOG.log(Level.WARNING, "the lock of " + reference + " could not be closed", e);
            }
        }
    }

    /// One fetch, under the repository's lock.
    private final class Fetch {
        private final HubReference reference;
        private final RepositoryCache cache;
        private final HubClient client;

        Fetch(HubReference reference, RepositoryCache cache, HubClient client) {
            this.reference = reference;
            this.cache = cache;
            this.client = client;
        }

        Path run() {
            Optional<Path> pinned = reference.isPinned() ? cached() : Optional.empty();
            return pinned.orElseGet(() -> {
                try {
                    return online();
                } catch (Unavailable unavailable) {
                    return offline(unavailable);
                }
            });
        }

        private Path online() {
            byte[] json = client.listing(reference);
            Listing listing = Listing.parse(options.base() + ": " + reference, json);
            Selection selection = Selection.of(reference, listing);
            if (selection.index().isPresent()) {
                RemoteFile index = selection.index().get();
                fetch(listing, List.of(index), FetchListener.NONE);
                selection = selection.withShards(read(index), listing);
            }
            fetch(listing, selection.files(), listener);
            cache.keep(reference.revision(), listing, json);
            return path(listing, selection);
        }

        private void fetch(Listing listing, List<RemoteFile> files, FetchListener progress) {
            long total = files.stream().mapToLong(RemoteFile::sizeBytes).sum();
            cache.checkSpace(files.stream()
                    .filter(file -> !cache.has(file))
                    .mapToLong(RemoteFile::sizeBytes)
                    .sum());
            Download download = new Download(client, cache, reference, listing.commit());
            long before = 0;
            for (RemoteFile file : files) {
                long done = before;
                if (!cache.has(file)) {
                    download.fetch(file, bytes -> progress.fetched(done + bytes, total));
                }
                cache.link(listing.commit(), file);
                before += file.sizeBytes();
                progress.fetched(before, total);
            }
        }

        private byte[] read(RemoteFile index) {
            if (index.sizeBytes() > INDEX_BYTES_MAX) {
                throw BadCheckpoint.mismatch(index.path() + ": size", "at most " + INDEX_BYTES_MAX, index.sizeBytes());
            }
            return cache.work(() -> Files.readAllBytes(cache.blob(index)));
        }

        private Path offline(Unavailable unavailable) {
            Path path = cached().orElseThrow(() -> unavailable);
            LOG.log(
                    Level.WARNING,
                    "{0}; using the copy in {1}, which may be out of date",
                    unavailable.getMessage(),
                    options.cache());
            return path;
        }

        /// Where the model is, if all of it is here.
        private Optional<Path> cached() {
            try {
                return cache.listing(reference.revision()).flatMap(this::whole);
            } catch (BadCheckpoint damaged) {
                LOG.log(Level.DEBUG, "a kept listing of " + reference + " cannot be used", damaged);
                return Optional.empty();
            }
        }

        private Optional<Path> whole(Listing listing) {
            Selection selection = Selection.of(reference, listing);
            if (selection.index().isPresent()) {
                RemoteFile index = selection.index().get();
                if (!cache.has(index)) {
                    return Optional.empty();
                }
                selection = selection.withShards(read(index), listing);
            }
            Selection chosen = selection;
            return chosen.files().stream().allMatch(cache::has) ? Optional.of(path(listing, chosen)) : Optional.empty();
        }

        private Path path(Listing listing, Selection selection) {
            selection.files().forEach(file -> cache.link(listing.commit(), file));
            Path snapshot = cache.snapshot(listing.commit());
            return selection.entry().isEmpty() ? snapshot : snapshot.resolve(selection.entry());
        }
    }
}
