package dev.trimtab.checkpoint.hub;

import dev.trimtab.error.BadConfiguration;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/// What is kept of one repository, in a folder of its own:
///
///     hub/HOST/ORG/NAME/lock               locked while one fetches
///                       blobs/HASH         contents, checked before they get this name
///                       blobs/HASH.part    the beginning of contents, to go on from
///                       listings/COMMIT    what the hub listed
///                       refs/REVISION      the commit a branch or tag was at when last asked
///                       snapshots/COMMIT/  the repository's files, links to blobs
///
/// Contents that two commits share are there once. Deleting anything is safe while nothing fetches: what lacks
/// is fetched again.
final class RepositoryCache {
    private final Path folder;

    private RepositoryCache(Path folder) {
        this.folder = folder;
    }

    static RepositoryCache of(HubOptions options, String repository) {
        String host = options.base().getAuthority() + options.base().getRawPath();
        return new RepositoryCache(options.cache()
                .resolve("hub")
                .resolve(HubClient.encode(host, ""))
                .resolve(repository));
    }

    /// File work that fails for reasons of this machine.
    @FunctionalInterface
    interface Work<T> {
        T run() throws IOException;
    }

    /// What `work` answers.
    ///
    /// @throws BadConfiguration when the cache cannot be read or written, a full disk named as such
    <T> T work(Work<T> work) {
        try {
            return work.run();
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    BadConfiguration unusable(IOException e) {
        String reason = e instanceof FileSystemException file && file.getReason() != null
                ? file.getReason() + " (" + file.getFile() + ")"
                : e.toString();
        return new BadConfiguration(
                folder + " cannot be used as a cache: " + reason + "; free some space there or set trimtab.cache");
    }

    CacheLock lock() {
        return work(() -> {
            Files.createDirectories(folder);
            return CacheLock.acquire(folder.resolve("lock"));
        });
    }

    Path blob(RemoteFile file) {
        return folder.resolve("blobs").resolve(file.hash().hex());
    }

    /// Whether the contents are here. They were checked when they got their name; their size is once more.
    boolean has(RemoteFile file) {
        Path blob = blob(file);
        return work(() -> Files.isRegularFile(blob) && Files.size(blob) == file.sizeBytes());
    }

    /// Refuses to begin what cannot end: `missingBytes` must fit the disk.
    void checkSpace(long missingBytes) {
        long free = work(() -> Files.getFileStore(folder).getUsableSpace());
        if (missingBytes > free) {
            throw new BadConfiguration(folder + ": " + missingBytes + " bytes are to be fetched, " + free
                    + " are free on this disk; free some space there or set trimtab.cache");
        }
    }

    /// The folder of the files of `commit`.
    Path snapshot(String commit) {
        return folder.resolve("snapshots").resolve(commit);
    }

    /// Gives the contents their name in the repository.
    void link(String commit, RemoteFile file) {
        Path link = snapshot(commit).resolve(file.path());
        Path parent = link.resolveSibling("");
        work(() -> {
            Files.createDirectories(parent);
            Path target = parent.relativize(blob(file));
            if (Files.isSymbolicLink(link) && Files.readSymbolicLink(link).equals(target)) {
                return link;
            }
            Files.deleteIfExists(link);
            return Files.createSymbolicLink(link, target);
        });
    }

    // Listings

    /// Keeps what the hub listed for `revision`.
    void keep(String revision, Listing listing, byte[] json) {
        write(folder.resolve("listings").resolve(listing.commit()), json);
        write(ref(revision), listing.commit().getBytes(StandardCharsets.US_ASCII));
    }

    /// What the hub listed last for `revision`, or ever for a commit.
    Optional<Listing> listing(String revision) {
        return commit(revision)
                .map(folder.resolve("listings")::resolve)
                .filter(Files::isRegularFile)
                .map(file -> Listing.parse(file.toString(), work(() -> Files.readAllBytes(file))));
    }

    private Optional<String> commit(String revision) {
        if (HubReference.isCommit(revision)) {
            return Optional.of(revision);
        }
        Path ref = ref(revision);
        return Files.isRegularFile(ref)
                ? Optional.of(work(() -> Files.readString(ref))).filter(HubReference::isCommit)
                : Optional.empty();
    }

    private Path ref(String revision) {
        return folder.resolve("refs").resolve(HubClient.encode(revision, ""));
    }

    private void write(Path file, byte[] bytes) {
        work(() -> {
            Files.createDirectories(file.resolveSibling(""));
            Path unnamed = file.resolveSibling(file.getFileName() + ".part");
            Files.write(unnamed, bytes);
            return Files.move(unnamed, file, StandardCopyOption.ATOMIC_MOVE);
        });
    }
}
