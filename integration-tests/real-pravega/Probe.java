import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import io.pravega.controller.stream.api.grpc.v1.Controller.CreateScopeStatus;
import io.pravega.controller.stream.api.grpc.v1.Controller.ScopeInfo;
import io.pravega.controller.stream.api.grpc.v1.ControllerServiceGrpc;
import java.util.concurrent.TimeUnit;

/**
 * Waits until a controller creates a scope: {@code java Probe.java PORT PID SECONDS}.
 *
 * <p>The gRPC port is open seconds before the segment store behind it takes part, and the server's own "running" line
 * comes early too. A scope is stored in a segment, so its creation is the first sign that all of it works. Ends with 1
 * as soon as the server process PID is gone, and after SECONDS.
 */
public final class Probe {
    private static final long CALL_SECONDS = 10;
    private static final long PAUSE_MILLIS = 250;

    public static void main(String[] args) throws InterruptedException {
        int port = Integer.parseInt(args[0]);
        long pid = Long.parseLong(args[1]);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(Long.parseLong(args[2]));
        ManagedChannel channel = ManagedChannelBuilder.forAddress("localhost", port).usePlaintext().build();
        ScopeInfo scope = ScopeInfo.newBuilder().setScope("probe").build();
        String last = "no answer";
        while (System.nanoTime() < end) {
            if (!ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false)) {
                fail("the server ended while it was starting");
            }
            try {
                var controller = ControllerServiceGrpc.newBlockingStub(channel)
                        .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
                CreateScopeStatus.Status status = controller.createScope(scope).getStatus();
                if (status == CreateScopeStatus.Status.SUCCESS || status == CreateScopeStatus.Status.SCOPE_EXISTS) {
                    // The tests find the server as empty as it was.
                    controller.deleteScope(scope);
                    channel.shutdownNow();
                    return;
                }
                last = status.toString();
            } catch (StatusRuntimeException refused) {
                last = refused.getStatus().toString();
            }
            Thread.sleep(PAUSE_MILLIS);
        }
        fail("no scope could be created in time; the last answer was: " + last);
    }

    private static void fail(String why) {
        System.err.println("error: " + why);
        System.exit(1);
    }
}
