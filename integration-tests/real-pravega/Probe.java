import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.pravega.controller.stream.api.grpc.v1.Controller.CreateScopeStatus;
import io.pravega.controller.stream.api.grpc.v1.Controller.ScopeInfo;
import io.pravega.controller.stream.api.grpc.v1.ControllerServiceGrpc;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.TimeUnit;

/**
 * Waits until a controller creates a scope: {@code java Probe.java PORT PID SECONDS [CA USER PASSWORD]}.
 *
 * <p>The gRPC port is open seconds before the segment store behind it takes part, and the server's own "running" line
 * comes early too. A scope is stored in a segment, so its creation is the first sign that all of it works. Ends with 1
 * as soon as the server process PID is gone, and after SECONDS.
 */
public final class Probe {
    private static final long CALL_SECONDS = 10;
    private static final long PAUSE_MILLIS = 250;

    public static void main(String[] args) throws InterruptedException, IOException {
        int port = Integer.parseInt(args[0]);
        long pid = Long.parseLong(args[1]);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(Long.parseLong(args[2]));
        boolean secure = args.length > 3;
        var credentials = secure
                ? TlsChannelCredentials.newBuilder().trustManager(new File(args[3])).build()
                : InsecureChannelCredentials.create();
        ManagedChannel channel = Grpc.newChannelBuilderForAddress("localhost", port, credentials).build();
        Channel calls = secure ? ClientInterceptors.intercept(channel, new Basic(args[4], args[5])) : channel;
        ScopeInfo scope = ScopeInfo.newBuilder().setScope("probe").build();
        String last = "no answer";
        while (System.nanoTime() < end) {
            if (!ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false)) {
                fail("the server ended while it was starting");
            }
            try {
                var controller = ControllerServiceGrpc.newBlockingStub(calls)
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

    /** Puts a password into the headers of every call. */
    private static final class Basic implements ClientInterceptor {
        private static final Metadata.Key<String> KEY =
                Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
        private final String value;

        Basic(String user, String password) {
            byte[] pair = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
            value = "Basic " + Base64.getEncoder().encodeToString(pair);
        }

        @Override
        public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
            return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
                @Override
                public void start(Listener<A> listener, Metadata headers) {
                    headers.put(KEY, value);
                    super.start(listener, headers);
                }
            };
        }
    }

    private static void fail(String why) {
        System.err.println("error: " + why);
        System.exit(1);
    }
}
