package tester.harness;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.Set;
import org.opentest4j.TestAbortedException;

/**
 * Makes short texts of throwables.
 *
 * <p>A throwable may be of a class that user code wrote: each of its methods may throw, lie or never end its chain of
 * causes. So every call is guarded, and every length bounded.
 */
final class Texts {
    private static final int MOST_FRAMES = 40;
    private static final int MOST_CAUSES = 8;
    private static final int LONGEST_TEXT = 16_384;

    private Texts() {}

    /** Cuts without splitting a surrogate pair. */
    static String cut(String text, int longest) {
        if (text == null || text.length() <= longest) {
            return text;
        }
        int end = longest - 1;
        if (Character.isHighSurrogate(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end) + "…";
    }

    /** The first line that says something. */
    static String firstLine(String text) {
        if (text == null) {
            return null;
        }
        Iterator<String> lines = text.lines().map(String::strip).filter(line -> !line.isEmpty()).iterator();
        String first = lines.hasNext() ? lines.next() : "";
        // Mockito puts what it is about below a heading.
        return first.endsWith(":") && lines.hasNext() ? first + " " + lines.next() : first;
    }

    /** An assertion or assumption speaks for itself; of any other throwable the kind matters as much as the text. */
    static String message(Throwable thrown) {
        String kind = thrown.getClass().getSimpleName();
        String text;
        try {
            text = firstLine(thrown.getMessage());
        } catch (Throwable own) {
            text = null;
        }
        if (text == null || text.isEmpty()) {
            return kind;
        }
        return thrown instanceof AssertionError || thrown instanceof TestAbortedException ? text : kind + ": " + text;
    }

    /** What {@code printStackTrace} says, without the frames of JUnit and the JDK. */
    static String detail(Throwable thrown) {
        StringBuilder out = new StringBuilder();
        append(out, thrown, "", "", Collections.newSetFromMap(new IdentityHashMap<>()));
        return out.toString().stripTrailing();
    }

    private static void append(StringBuilder out, Throwable thrown, String label, String indent, Set<Throwable> seen) {
        if (out.length() > LONGEST_TEXT || seen.size() >= MOST_CAUSES || !seen.add(thrown)) {
            return;
        }
        String text;
        try {
            text = String.valueOf(thrown.toString());
        } catch (Throwable own) {
            text = thrown.getClass().getName();
        }
        out.append(indent).append(label).append(cut(text, LONGEST_TEXT)).append('\n');
        int shown = 0;
        for (StackTraceElement frame : frames(thrown)) {
            if (isForeign(frame)) {
                continue;
            }
            if (++shown > MOST_FRAMES) {
                out.append(indent).append("\t… more frames\n");
                break;
            }
            out.append(indent).append("\tat ").append(frame.getClassName()).append('.').append(frame.getMethodName())
                    .append('(').append(frame.getFileName()).append(':').append(frame.getLineNumber()).append(")\n");
        }
        try {
            for (Throwable suppressed : thrown.getSuppressed()) {
                append(out, suppressed, "Suppressed: ", indent + "\t", seen);
            }
            if (thrown.getCause() != null) {
                append(out, thrown.getCause(), "Caused by: ", indent, seen);
            }
        } catch (Throwable own) {
            out.append(indent).append("(its causes cannot be read)\n");
        }
    }

    /** Where in the test code it happened: the innermost frame there, also of the causes; else null. */
    static Integer testLine(Throwable thrown) {
        Throwable one = thrown;
        for (int depth = 0; one != null && depth < MOST_CAUSES; depth++) {
            for (StackTraceElement frame : frames(one)) {
                if (Compiler.TESTS.equals(frame.getFileName()) && !isForeign(frame) && frame.getLineNumber() > 0) {
                    return frame.getLineNumber();
                }
            }
            try {
                one = one.getCause();
            } catch (Throwable own) {
                return null;
            }
        }
        return null;
    }

    static StackTraceElement[] frames(Throwable thrown) {
        try {
            StackTraceElement[] frames = thrown.getStackTrace();
            return frames == null ? new StackTraceElement[0] : frames;
        } catch (Throwable own) {
            return new StackTraceElement[0];
        }
    }

    /** User code is in no named module, and not in the packages of the libraries. */
    private static boolean isForeign(StackTraceElement frame) {
        if (frame == null || frame.getModuleName() != null) {
            return true;
        }
        String name = frame.getClassName();
        return name.startsWith("org.mockito.") || name.startsWith("net.bytebuddy.") || name.startsWith("org.junit.");
    }
}
