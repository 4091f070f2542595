package tester.harness;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.UniqueId;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/**
 * Turns what JUnit reports into events.
 *
 * <p>Every test that was announced gets exactly one start and one finish, also if JUnit says nothing of it because its
 * class was skipped or failed to set up.
 */
final class Reporter implements TestExecutionListener {
    private static final int MOST_TESTS = 5_000;

    private final TestPlan plan;
    private final Outline outline;
    private final Events events;
    private final Map<String, String> ids = new HashMap<>();
    private final Map<String, Integer> timesUsed = new HashMap<>();
    private final Map<String, Long> running = new HashMap<>();
    private final Set<String> announced = new HashSet<>();
    private final Set<String> reported = new HashSet<>();

    Reporter(TestPlan plan, Outline outline, Events events) {
        this.plan = plan;
        this.outline = outline;
        this.events = events;
    }

    /** Announces the tests that are known before any runs; false if there are too many. */
    boolean collect() {
        List<Events.Test> tests = new ArrayList<>();
        for (TestIdentifier root : plan.getRoots()) {
            for (TestIdentifier identifier : plan.getDescendants(root)) {
                if (identifier.isTest()) {
                    tests.add(describe(identifier));
                }
            }
        }
        if (tests.size() > MOST_TESTS) {
            tooMany();
            return false;
        }
        events.collected(tests);
        return true;
    }

    private void tooMany() {
        events.broken("collect", "tests", null, "more than " + MOST_TESTS + " tests", null);
    }

    @Override
    public synchronized void dynamicTestRegistered(TestIdentifier identifier) {
        if (identifier.isTest()) {
            announce(identifier);
        }
    }

    private void announce(TestIdentifier identifier) {
        if (announced.contains(identifier.getUniqueId())) {
            return;
        }
        if (announced.size() >= MOST_TESTS) {
            tooMany();
            events.done();
            Runtime.getRuntime().halt(0);
        }
        events.collected(List.of(describe(identifier)));
    }

    private Events.Test describe(TestIdentifier identifier) {
        announced.add(identifier.getUniqueId());
        return new Events.Test(id(identifier), identifier.getDisplayName(), definitionLine(identifier));
    }

    @Override
    public synchronized void executionStarted(TestIdentifier identifier) {
        if (identifier.isTest()) {
            announce(identifier);
            events.started(id(identifier));
            running.put(identifier.getUniqueId(), System.nanoTime());
        }
    }

    @Override
    public synchronized void executionSkipped(TestIdentifier identifier, String reason) {
        reportAll(identifier, "skipped", reason, null, null);
    }

    @Override
    public synchronized void executionFinished(TestIdentifier identifier, TestExecutionResult result) {
        Throwable thrown = result.getThrowable().orElse(null);
        TestExecutionResult.Status status = result.getStatus();
        String message = thrown == null ? null : Texts.message(thrown);
        String detail = thrown == null ? null : Texts.detail(thrown);
        Integer line = thrown == null ? null : Texts.testLine(thrown);
        if (identifier.isTest()) {
            String word = status == TestExecutionResult.Status.SUCCESSFUL ? "passed"
                    : status == TestExecutionResult.Status.ABORTED ? "skipped"
                    : thrown != null && isSetUpOrTearDown(thrown) ? "error" : "failed";
            finish(identifier, word, message, detail, line);
        } else if (status == TestExecutionResult.Status.ABORTED) {
            reportAll(identifier, "skipped", message, detail, line);
        } else if (status == TestExecutionResult.Status.FAILED) {
            reportAll(identifier, "error", message, detail, line);
            // The children may all have been reported: the failure of the container itself must still be seen.
            reportOne(identifier, "error", message, detail, line);
        }
    }

    /** Reports what is at or below an identifier and has not been reported yet. */
    private void reportAll(TestIdentifier identifier, String status, String message, String detail, Integer line) {
        if (identifier.isTest() || isTemplate(identifier)) {
            if (!identifier.isContainer() || plan.getChildren(identifier).isEmpty() || !status.equals("skipped")) {
                reportOne(identifier, status, message, detail, line);
            }
        }
        for (TestIdentifier child : plan.getChildren(identifier)) {
            reportAll(child, status, message, detail, line);
        }
    }

    private void reportOne(TestIdentifier identifier, String status, String message, String detail, Integer line) {
        if (reported.contains(identifier.getUniqueId())) {
            return;
        }
        announce(identifier);
        if (!running.containsKey(identifier.getUniqueId())) {
            events.started(id(identifier));
            running.put(identifier.getUniqueId(), System.nanoTime());
        }
        finish(identifier, status, message, detail, line);
    }

    private void finish(TestIdentifier identifier, String status, String message, String detail, Integer line) {
        if (!reported.add(identifier.getUniqueId())) {
            return;
        }
        double milliseconds = (System.nanoTime() - running.get(identifier.getUniqueId())) / 1e6;
        Integer where = line;
        if (where == null && !status.equals("passed")) {
            where = definitionLine(identifier);
        }
        events.finished(id(identifier), status, milliseconds, message, detail, where);
    }

    /** A method that stands for tests which are known only when it runs. */
    private static boolean isTemplate(TestIdentifier identifier) {
        return !identifier.isTest() && identifier.getSource().orElse(null) instanceof MethodSource
                && !UniqueId.parse(identifier.getUniqueId()).getLastSegment().getType().startsWith("dynamic-");
    }

    /** JUnit does not say in which phase it failed, but its own frames below the thrower's do. */
    private static boolean isSetUpOrTearDown(Throwable thrown) {
        for (StackTraceElement frame : Texts.frames(thrown)) {
            if (frame == null || !frame.getClassName().startsWith("org.junit.jupiter.engine.descriptor.")) {
                continue;
            }
            String method = frame.getMethodName();
            if (method.contains("invokeTestMethod")) {
                return false;
            }
            if (method.contains("invokeBeforeEach") || method.contains("invokeAfterEachMethods")
                    || method.contains("instantiate") || method.contains("TestInstance")) {
                return true;
            }
        }
        return false;
    }

    /** {@code Outer.Inner#method}, with {@code [n]} for each level of invocations below the method. */
    private String id(TestIdentifier identifier) {
        String known = ids.get(identifier.getUniqueId());
        if (known != null) {
            return known;
        }
        StringBuilder id = new StringBuilder();
        for (UniqueId.Segment segment : UniqueId.parse(identifier.getUniqueId()).getSegments()) {
            String value = segment.getValue();
            switch (segment.getType()) {
                case "engine":
                    break;
                case "class":
                    id.append(value.substring(value.lastIndexOf('.') + 1).replace('$', '.'));
                    break;
                case "nested-class":
                    id.append('.').append(value);
                    break;
                case "method":
                case "test-template":
                case "test-factory":
                    int parenthesis = value.indexOf('(');
                    id.append('#').append(parenthesis < 0 ? value : value.substring(0, parenthesis));
                    break;
                default:
                    id.append('[').append(value.startsWith("#") ? value.substring(1) : value).append(']');
            }
        }
        // Overloaded methods have one id; the second is told apart as a repeated title is in JavaScript.
        int times = timesUsed.merge(id.toString(), 1, Integer::sum);
        if (times > 1) {
            id.append(" #").append(times);
        }
        ids.put(identifier.getUniqueId(), id.toString());
        return id.toString();
    }

    private Integer definitionLine(TestIdentifier identifier) {
        TestIdentifier one = identifier;
        while (one != null) {
            TestSource source = one.getSource().orElse(null);
            if (source instanceof ClassSource) {
                return outline.line(((ClassSource) source).getClassName());
            }
            if (source instanceof MethodSource) {
                MethodSource method = (MethodSource) source;
                Integer line = outline.line(method.getClassName() + "#" + method.getMethodName());
                if (line != null) {
                    return line;
                }
                try {
                    Method java = method.getJavaMethod();
                    return outline.line(java.getDeclaringClass().getName() + "#" + java.getName());
                } catch (RuntimeException | LinkageError unknown) {
                    return null;
                }
            }
            one = plan.getParent(one).orElse(null);
        }
        return null;
    }
}
