package dev.trimtab.checkpoint.hub;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.ReentrantLock;

/// One fetch of a repository at a time: among the threads of this process, and by a locked file among
/// processes. The system lets go of the file's lock when its process dies, so that none is left behind.
final class CacheLock implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(CacheLock.class.getName());

    /// A process cannot lock a file twice: its threads wait here. One entry a repository.
    private static final ConcurrentMap<Path, ReentrantLock> THREADS = new ConcurrentHashMap<>();

    private final ReentrantLock threads;
    private final FileChannel channel;

    private CacheLock(ReentrantLock threads, FileChannel channel) {
        this.threads = threads;
        this.channel = channel;
    }

    /// Waits until nobody else holds the lock at `file`, which need not exist; its folder must.
    static CacheLock acquire(Path file) throws IOException {
        ReentrantLock threads = THREADS.computeIfAbsent(file, _ -> new ReentrantLock());
        threads.lock();
        boolean locked = false;
        FileChannel channel = null;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            lock(file, channel);
            locked = true;
            return new CacheLock(threads, channel);
        } finally {
            if (!locked) {
                if (channel != null) {
                    channel.close();
                }
                threads.unlock();
            }
        }
    }

    private static void lock(Path file, FileChannel channel) throws IOException {
        FileLock lock = channel.tryLock();
        if (lock == null) {
            LOG.log(Level.INFO, "another process fetches the same repository; waiting for {0}", file);
            lock = channel.lock();
        }
        assert lock.isValid();
    }

    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            threads.unlock();
        }
    }
}
