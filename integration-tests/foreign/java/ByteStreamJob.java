import io.pravega.client.ByteStreamClientFactory;
import io.pravega.client.ClientConfig;
import io.pravega.client.admin.StreamManager;
import io.pravega.client.byteStream.ByteStreamReader;
import io.pravega.client.byteStream.ByteStreamWriter;
import io.pravega.client.stream.ScalingPolicy;
import io.pravega.client.stream.StreamConfiguration;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Byte streams through the published Java client: {@code ByteStreamJob CONTROLLER COMMAND SCOPE/STREAM [LENGTH]}.
 *
 * <p>Commands: {@code admin} creates scope and stream, {@code write} stores standard input, {@code read} prints LENGTH
 * bytes from the head, {@code job} does all that a byte stream is for and checks every step.
 */
public final class ByteStreamJob {
    /** Larger than one append, one read reply and one read-ahead buffer of this client. */
    private static final int BULK = 9 * 1024 * 1024 + 13;
    private static final int TRUNCATE_AT = BULK / 3;
    private static final long ANSWER_SECONDS = 30;
    /** Time for a read to reach the server and wait there; too short only means that the wait is not exercised. */
    private static final long PARK_MILLIS = 700;

    private final ClientConfig config;
    private final String scope;
    private final String stream;

    private ByteStreamJob(String controller, String scopedStream) {
        config = ClientConfig.builder().controllerURI(URI.create(controller)).build();
        int slash = scopedStream.indexOf('/');
        scope = scopedStream.substring(0, slash);
        stream = scopedStream.substring(slash + 1);
    }

    public static void main(String[] args) throws Exception {
        ByteStreamJob job = new ByteStreamJob(args[0], args[2]);
        switch (args[1]) {
            case "admin" -> job.admin();
            case "write" -> job.write(System.in);
            case "read" -> job.read(System.out, Long.parseLong(args[3]));
            case "job" -> job.everything();
            default -> throw new IllegalArgumentException("unknown command " + args[1]);
        }
        // The client leaves threads behind that are no daemons.
        System.exit(0);
    }

    private void admin() {
        try (StreamManager manager = StreamManager.create(config)) {
            manager.createScope(scope);
            manager.createStream(scope, stream, oneSegment());
        }
    }

    private void write(InputStream from) throws IOException {
        try (ByteStreamClientFactory factory = ByteStreamClientFactory.withScope(scope, config);
                ByteStreamWriter writer = factory.createByteStreamWriter(stream)) {
            from.transferTo(writer);
            writer.flush();
        }
    }

    private void read(OutputStream to, long length) throws IOException {
        try (ByteStreamClientFactory factory = ByteStreamClientFactory.withScope(scope, config);
                ByteStreamReader reader = factory.createByteStreamReader(stream)) {
            reader.seekToOffset(reader.fetchHeadOffset());
            byte[] buffer = new byte[64 * 1024];
            for (long left = length; left > 0; ) {
                int count = reader.read(buffer, 0, (int) Math.min(left, buffer.length));
                check(count > 0, "the stream ended " + left + " bytes early");
                to.write(buffer, 0, count);
                left -= count;
            }
            to.flush();
        }
    }

    private void everything() throws Exception {
        try (StreamManager manager = StreamManager.create(config)) {
            createAndLook(manager);
            try (ByteStreamClientFactory factory = ByteStreamClientFactory.withScope(scope, config);
                    ByteStreamReader reader = factory.createByteStreamReader(stream)) {
                ByteStreamWriter writer = factory.createByteStreamWriter(stream);
                byte[] bulk = bulk(writer, reader);
                long tail = parkedRead(writer, reader);
                truncation(writer, reader, bulk, tail);
                sealedEnd(writer, reader);
            }
            remove(manager);
        }
        System.out.println("PASS java: admin, write, read, parked tail read, truncate, seal, delete");
    }

    private void createAndLook(StreamManager manager) {
        check(manager.createScope(scope), "a new scope is created");
        check(!manager.createScope(scope), "and not twice");
        check(manager.checkScopeExists(scope), "the scope exists");
        check(manager.createStream(scope, stream, oneSegment()), "a new stream is created");
        check(!manager.createStream(scope, stream, oneSegment()), "and not twice");
        check(manager.checkStreamExists(scope, stream), "the stream exists");
        check(!manager.checkStreamExists(scope, "no-such-stream"), "another does not");
        check(contains(manager.listScopes(), scope), "the scope is listed");
        boolean listed = false;
        for (Iterator<io.pravega.client.stream.Stream> all = manager.listStreams(scope); all.hasNext(); ) {
            listed |= all.next().getStreamName().equals(stream);
        }
        check(listed, "the stream is listed");
    }

    private byte[] bulk(ByteStreamWriter writer, ByteStreamReader reader) throws IOException {
        byte[] bulk = new byte[BULK];
        new Random(20_240_601).nextBytes(bulk);
        // Single bytes, small pieces, then all the rest: each takes another way through the client.
        int at = 0;
        for (; at < 100; at++) {
            writer.write(bulk[at]);
        }
        for (; at < 100_000; at += 333) {
            writer.write(bulk, at, 333);
        }
        writer.write(bulk, at, BULK - at);
        writer.flush();
        check(writer.fetchHeadOffset() == 0, "nothing is truncated yet");
        check(writer.fetchTailOffset() == BULK, "the tail is behind the bytes written");
        check(reader.fetchTailOffset() == BULK, "the reader sees the same tail");
        check(Arrays.equals(exactly(reader, BULK), bulk), "the bytes come back");
        check(reader.getOffset() == BULK, "the reader stands at the tail");
        return bulk;
    }

    private long parkedRead(ByteStreamWriter writer, ByteStreamReader reader) throws Exception {
        byte[] late = "late bytes".getBytes();
        CompletableFuture<byte[]> parked = CompletableFuture.supplyAsync(() -> {
            try {
                return exactly(reader, late.length);
            } catch (IOException failure) {
                throw new IllegalStateException(failure);
            }
        });
        Thread.sleep(PARK_MILLIS);
        check(!parked.isDone(), "a read at the tail waits");
        writer.write(late);
        writer.flush();
        check(Arrays.equals(parked.get(ANSWER_SECONDS, TimeUnit.SECONDS), late), "a write wakes it");
        return BULK + late.length;
    }

    private void truncation(ByteStreamWriter writer, ByteStreamReader reader, byte[] bulk, long tail)
            throws IOException {
        writer.truncateDataBefore(TRUNCATE_AT);
        check(reader.fetchHeadOffset() == TRUNCATE_AT, "the head has moved");
        check(reader.fetchTailOffset() == tail, "the tail has not");
        reader.seekToOffset(reader.fetchHeadOffset());
        byte[] rest = Arrays.copyOfRange(bulk, TRUNCATE_AT, BULK);
        check(Arrays.equals(exactly(reader, rest.length), rest), "the rest reads from the head");
        reader.seekToOffset(0);
        try {
            reader.read(new byte[1]);
            check(false, "a read of truncated bytes must fail");
        } catch (IOException expected) {
            reader.seekToOffset(reader.fetchHeadOffset());
        }
    }

    private void sealedEnd(ByteStreamWriter writer, ByteStreamReader reader) throws IOException {
        writer.write("end".getBytes());
        writer.closeAndSeal();
        long length = reader.fetchTailOffset() - reader.getOffset();
        byte[] all = exactly(reader, (int) length);
        check(Arrays.equals(Arrays.copyOfRange(all, all.length - 3, all.length), "end".getBytes()), "the last write");
        check(reader.read() == -1, "a sealed stream ends");
        check(reader.read() == -1, "and the end stays the end");
    }

    private void remove(StreamManager manager) {
        check(manager.sealStream(scope, stream), "the stream is sealed");
        check(manager.deleteStream(scope, stream), "and deleted");
        check(!manager.checkStreamExists(scope, stream), "and gone");
        check(manager.deleteScope(scope), "the scope is deleted");
        check(!manager.checkScopeExists(scope), "and gone");
    }

    /**
     * Reads as many bytes as wanted. {@code InputStream.readNBytes(int)} would not do: it asks for zero bytes now and
     * then, and at the tail this client waits for ever before it returns none.
     */
    private static byte[] exactly(ByteStreamReader reader, int length) throws IOException {
        byte[] bytes = new byte[length];
        for (int at = 0; at < length; ) {
            int count = reader.read(bytes, at, length - at);
            check(count > 0, "the stream goes on for " + (length - at) + " more bytes");
            at += count;
        }
        return bytes;
    }

    private static StreamConfiguration oneSegment() {
        return StreamConfiguration.builder().scalingPolicy(ScalingPolicy.fixed(1)).build();
    }

    private static boolean contains(Iterator<String> names, String name) {
        while (names.hasNext()) {
            if (names.next().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError("does not hold: " + what);
        }
    }
}
