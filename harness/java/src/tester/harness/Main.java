package tester.harness;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The harness: warms up, says {@code ready}, does one job, and leaves.
 *
 * <p>With {@code --train SOURCE TESTS} it does a job from two files, with no supervisor: {@code prepare.sh} records the
 * classes that are used in an archive for the JVM to map.
 */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        // Taken before any user code runs; from then on System.out may be anything.
        PrintStream userOut = System.out;
        PrintStream userErr = System.err;
        Logger junitLogger = Logger.getLogger("org.junit");
        junitLogger.setLevel(Level.OFF);
        try {
            InputStream in = new FileInputStream(FileDescriptor.in);
            System.setIn(InputStream.nullInputStream());
            Runner runner = new Runner(new Library(jars()));
            if (arguments.length == 3 && arguments[0].equals("--train")) {
                train(runner, arguments[1], arguments[2]);
                return;
            }
            warmUp(runner);

            // One socket is on fd 0 in both directions.
            Channel channel = new Channel(in, new FileOutputStream(FileDescriptor.in), userOut, userErr);
            Map<String, String> versions = versions();
            channel.sendReady(System.getProperty("java.version"), versions.get("junit"), versions.get("mockito"));
            Map<String, String> job = channel.receiveJob();
            if (job == null) {
                Runtime.getRuntime().halt(0);
            }
            runner.run(job, channel);
        } catch (Throwable broken) {
            // Without `done` the run counts as incomplete.
            Runtime.getRuntime().halt(70);
        }
        // Threads that tests left and shutdown hooks have no say.
        Runtime.getRuntime().halt(0);
        java.lang.ref.Reference.reachabilityFence(junitLogger);
    }

    private static List<String> jars() {
        List<String> jars = new ArrayList<>();
        for (String property : List.of("jdk.module.path", "java.class.path")) {
            for (String path : System.getProperty(property, "").split(":")) {
                if (path.endsWith(".jar")) {
                    jars.add(path);
                }
            }
        }
        return jars;
    }

    private static Map<String, String> versions() throws IOException {
        try (InputStream in = Main.class.getResourceAsStream("versions.json")) {
            return Json.readFlatObject(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    private static void warmUp(Runner runner) throws IOException {
        runner.run(Map.of("source", resource("Warm.java"), "tests", resource("WarmTest.java")), nowhere());
        Thread.currentThread().setContextClassLoader(ClassLoader.getSystemClassLoader());
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = Main.class.getResourceAsStream(name + ".txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static Channel nowhere() {
        PrintStream silent = new PrintStream(OutputStream.nullOutputStream());
        return new Channel(heard(), OutputStream.nullOutputStream(), silent, silent);
    }

    /** Acks without end: zeroes read as empty frames. */
    private static InputStream heard() {
        return new InputStream() {
            @Override
            public int read() {
                return 0;
            }
        };
    }

    /** Leaves in the ordinary way, for that is when the JVM writes its archive. */
    private static void train(Runner runner, String source, String tests) throws IOException {
        warmUp(runner);
        OutputStream sink = Boolean.getBoolean("tester.train.show") ? System.err : OutputStream.nullOutputStream();
        Map<String, String> job = Map.of("source", Files.readString(Path.of(source)), "tests", Files.readString(Path.of(tests)));
        new Channel(InputStream.nullInputStream(), sink, System.out, System.err)
                .sendReady(System.getProperty("java.version"), versions().get("junit"), versions().get("mockito"));
        runner.run(job, new Channel(heard(), sink, System.out, System.err));
    }
}
