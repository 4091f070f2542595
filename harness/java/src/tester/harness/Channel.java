package tester.harness;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * The one stream to the supervisor: length-framed JSON in both directions.
 *
 * <p>It holds the token of the job. No static field leads here, and the package is not open to other modules, so user
 * code cannot follow references to it by reflection.
 */
final class Channel {
    private static final int LONGEST_FRAME = 64 << 20;

    private final InputStream in;
    private final OutputStream out;
    private final PrintStream userOut;
    private final PrintStream userErr;
    private String token = "";
    private long sequence;

    /**
     * @param userOut the streams that the JVM made for fd 1 and fd 2, whatever {@code System.out} is later: what they
     *     still hold is written out before each event, for the supervisor sorts output by the order of arrival
     */
    Channel(InputStream in, OutputStream out, PrintStream userOut, PrintStream userErr) {
        this.in = in;
        this.out = out;
        this.userOut = userOut;
        this.userErr = userErr;
    }

    void sendReady(String java, String junit, String mockito) throws IOException {
        StringBuilder frame = new StringBuilder("{\"type\":\"ready\",\"versions\":{\"java\":");
        Json.quote(frame, java).append(",\"junit\":");
        Json.quote(frame, junit);
        if (mockito != null) {
            Json.quote(frame.append(",\"mockito\":"), mockito);
        }
        send(frame.append("},\"acks\":true}"));
    }

    /** Waits for the job, or gives null if the supervisor hung up. */
    Map<String, String> receiveJob() throws IOException {
        byte[] body;
        try {
            body = receive();
        } catch (EOFException end) {
            return null;
        }
        Map<String, String> job = Json.readFlatObject(new String(body, StandardCharsets.UTF_8));
        token = job.remove("token");
        return job;
    }

    /** Sends one event, given as the text of its JSON object. Synchronised: dynamic tests may run in parallel. */
    synchronized void sendEvent(CharSequence event) {
        flushUserOutput();
        StringBuilder frame = new StringBuilder(event.length() + 96);
        Json.quote(frame.append("{\"type\":\"event\",\"token\":"), token);
        frame.append(",\"seq\":").append(sequence++).append(",\"event\":").append(event).append('}');
        try {
            send(frame);
            // The supervisor has heard it, and all that was printed before: what is printed from here on belongs to
            // what comes next.
            receive();
        } catch (IOException gone) {
            // Nobody listens, or user code closed the descriptor: without `done` this run can only be incomplete.
            Runtime.getRuntime().halt(70);
        }
    }

    private byte[] receive() throws IOException {
        // Not readNBytes: that of a file stream asks for the position, which a socket has not.
        DataInputStream data = new DataInputStream(in);
        int length = data.readInt();
        if (length < 0 || length > LONGEST_FRAME) {
            throw new IOException("a frame of " + length + " bytes");
        }
        byte[] body = new byte[length];
        data.readFully(body);
        return body;
    }

    private void send(CharSequence frame) throws IOException {
        byte[] body = frame.toString().getBytes(StandardCharsets.UTF_8);
        byte[] bytes = new byte[body.length + 4];
        bytes[0] = (byte) (body.length >>> 24);
        bytes[1] = (byte) (body.length >>> 16);
        bytes[2] = (byte) (body.length >>> 8);
        bytes[3] = (byte) body.length;
        System.arraycopy(body, 0, bytes, 4, body.length);
        out.write(bytes);
    }

    private void flushUserOutput() {
        flush(userOut);
        flush(userErr);
        flush(System.out);
        flush(System.err);
    }

    /** The stream may be one of user code's own, and do anything. */
    private static void flush(PrintStream stream) {
        try {
            if (stream != null) {
                stream.flush();
            }
        } catch (Throwable ignored) {
            // What user code's stream loses is user code's loss.
        }
    }
}
