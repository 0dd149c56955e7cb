import io.pravega.client.ByteStreamClientFactory;
import io.pravega.client.ClientConfig;
import io.pravega.client.admin.StreamManager;
import io.pravega.client.byteStream.ByteStreamReader;
import io.pravega.client.byteStream.ByteStreamWriter;
import io.pravega.client.stream.ScalingPolicy;
import io.pravega.client.stream.StreamConfiguration;
import java.io.IOException;
import java.net.URI;
import java.util.Arrays;

/**
 * One job of the comparison with the published Java client: {@code ByteStreamBench ADDRESS WORK SIZE SECONDS}, and
 * options, which are ignored. It calls and counts as job.rs does, and prints the same figures.
 */
public final class ByteStreamBench {
    private static final int BATCH = 64 * 1024;
    private static final int REREAD = 64 << 20;
    private static final int REREAD_PIECE = 1 << 20;
    /** As long as the job itself, where ours take a fifth: the compiler of the virtual machine needs it. */
    private static final double WARM_UP = 1.0;

    /** One call. Returns the bytes that it moved. */
    private interface Call {
        int make() throws IOException;
    }

    public static void main(String[] args) throws Exception {
        ClientConfig config = ClientConfig.builder().controllerURI(URI.create(args[0])).build();
        byte[] piece = new byte[Integer.parseInt(args[2])];
        Arrays.fill(piece, (byte) 7);
        double seconds = Double.parseDouble(args[3]);
        String stream = "j" + ProcessHandle.current().pid();
        try (StreamManager manager = StreamManager.create(config)) {
            manager.createScope("bench");
            manager.createStream(
                    "bench", stream, StreamConfiguration.builder().scalingPolicy(ScalingPolicy.fixed(1)).build());
        }
        try (ByteStreamClientFactory factory = ByteStreamClientFactory.withScope("bench", config);
                ByteStreamWriter writer = factory.createByteStreamWriter(stream)) {
            if (args[1].equals("write")) {
                Call write = () -> {
                    writer.write(piece);
                    return piece.length;
                };
                repeat(write, writer::flush, piece.length, seconds * WARM_UP);
                print(repeat(write, writer::flush, piece.length, seconds));
            } else if (args[1].equals("reread")) {
                for (int at = 0; at < REREAD; at += REREAD_PIECE) {
                    writer.write(new byte[REREAD_PIECE]);
                }
                writer.flush();
                reread(factory.createByteStreamReader(stream), piece, seconds);
            } else {
                throw new IllegalArgumentException("not measured with this client: " + args[1]);
            }
        }
        // The client leaves threads behind that are no daemons.
        System.exit(0);
    }

    private static void reread(ByteStreamReader reader, byte[] buffer, double seconds) throws IOException {
        Call read = () -> {
            if (reader.getOffset() >= REREAD) {
                reader.seekToOffset(0);
            }
            return reader.read(buffer, 0, (int) Math.min(buffer.length, REREAD - reader.getOffset()));
        };
        repeat(read, () -> {}, buffer.length, seconds * WARM_UP);
        print(repeat(read, () -> {}, buffer.length, seconds));
    }

    /** What is done when all calls are made. */
    private interface Settle {
        void run() throws IOException;
    }

    /** Returns calls, bytes and seconds. */
    private static double[] repeat(Call call, Settle settle, int size, double seconds) throws IOException {
        int batch = Math.max(BATCH / size, 1);
        long began = System.nanoTime();
        long calls = 0;
        long bytes = 0;
        while (System.nanoTime() - began < seconds * 1e9) {
            for (int i = 0; i < batch; i++) {
                bytes += call.make();
            }
            calls += batch;
        }
        settle.run();
        return new double[] {calls, bytes, (System.nanoTime() - began) / 1e9};
    }

    private static void print(double[] counted) {
        System.out.println("bytes_per_second=" + counted[1] / counted[2]);
        System.out.println("calls_per_second=" + counted[0] / counted[2]);
    }
}
