package tester.harness;

import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TaskEvent;
import com.sun.source.util.TaskListener;
import com.sun.source.util.Trees;
import com.sun.tools.javac.api.JavacTaskPool;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Writer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import javax.tools.Diagnostic;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/**
 * Compiles source and tests together, in memory.
 *
 * <p>The compiler's context is kept from one compilation to the next (as JShell does it), so that the classes of the
 * JDK and of JUnit which the warm-up has read need not be read again for the job.
 */
final class Compiler {
    static final String SOURCE = "Source.java";
    static final String TESTS = "Tests.java";

    /** No {@code --release}: the runtime's own classes are faster to read than the historical tables. */
    private static final List<String> OPTIONS =
            List.of("-g", "-parameters", "-proc:none", "-implicit:none", "-Xlint:none", "-nowarn", "-Xmaxerrs", "50");
    /** Deeply nested code makes javac recurse deeply. */
    private static final long STACK = 64L << 20;
    private static final int LONGEST_DETAIL = 20_000;

    private final JavacTaskPool pool = new JavacTaskPool(1);
    private final Files files;

    Compiler(Library library) {
        files = new Files(
                ToolProvider.getSystemJavaCompiler().getStandardFileManager(null, Locale.ROOT, StandardCharsets.UTF_8),
                library);
    }

    /** What came of a compilation; {@code error} is null if it succeeded. */
    static final class Result {
        final Map<String, byte[]> sourceClasses = new LinkedHashMap<>();
        final Map<String, byte[]> testClasses = new LinkedHashMap<>();
        final Outline outline = new Outline();
        Error error;
    }

    /** The first error, and the text of all. */
    record Error(String part, Integer line, String message, String detail) {}

    Result compile(String source, String tests) {
        Result result = new Result();
        Throwable[] broken = new Throwable[1];
        Thread thread = new Thread(null, () -> {
            try {
                compile(source, tests, result);
            } catch (Throwable thrown) {
                broken[0] = thrown;
            }
        }, "compiler", STACK);
        thread.start();
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException again) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (broken[0] != null && result.error == null) {
            result.error = new Error(null, null, "the compiler gave up: " + Texts.firstLine(cause(broken[0]).toString()), null);
        }
        return result;
    }

    private static Throwable cause(Throwable thrown) {
        Throwable one = thrown;
        while (one.getCause() != null) {
            one = one.getCause();
        }
        return one;
    }

    private void compile(String source, String tests, Result result) {
        List<Diagnostic<? extends JavaFileObject>> errors = new ArrayList<>();
        StringBuilder loose = new StringBuilder();
        Writer out = new Writer() {
            @Override
            public void write(char[] text, int start, int length) {
                if (loose.length() < LONGEST_DETAIL) {
                    loose.append(text, start, length);
                }
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        List<JavaFileObject> units = List.of(new Text(SOURCE, source), new Text(TESTS, tests));
        files.result = result;
        boolean ok = pool.getTask(out, files, diagnostic -> {
            if (diagnostic.getKind() == Diagnostic.Kind.ERROR) {
                errors.add(diagnostic);
            }
        }, OPTIONS, null, units, task -> run(task, result.outline));
        if (ok && errors.isEmpty()) {
            return;
        }
        String detail = detail(errors, loose);
        if (errors.isEmpty()) {
            result.error = new Error(null, null, firstLineOr(detail, "the code does not compile"), detail);
            return;
        }
        Diagnostic<? extends JavaFileObject> first = errors.get(0);
        JavaFileObject file = first.getSource();
        String part = file == null ? null : file.getName().endsWith(TESTS) ? "tests" : "source";
        Integer line = first.getLineNumber() > 0 ? (int) first.getLineNumber() : null;
        result.error = new Error(part, line, firstLineOr(first.getMessage(Locale.ROOT), "does not compile"), detail);
    }

    private static Boolean run(JavacTask task, Outline outline) {
        SourcePositions positions = Trees.instance(task).getSourcePositions();
        task.addTaskListener(new TaskListener() {
            @Override
            public void finished(TaskEvent event) {
                if (event.getKind() == TaskEvent.Kind.PARSE && event.getSourceFile().getName().endsWith(TESTS)) {
                    outline.read(event.getCompilationUnit(), positions);
                }
            }
        });
        return task.call();
    }

    private static String detail(List<Diagnostic<? extends JavaFileObject>> errors, StringBuilder loose) {
        StringBuilder text = new StringBuilder();
        for (Diagnostic<?> error : errors) {
            if (text.length() > LONGEST_DETAIL) {
                break;
            }
            text.append(error).append('\n');
        }
        if (errors.size() > 1) {
            text.append(errors.size()).append(" errors\n");
        }
        return text.append(loose).toString().stripTrailing();
    }

    private static String firstLineOr(String text, String instead) {
        String line = Texts.firstLine(text);
        return line == null || line.isEmpty() ? instead : line;
    }

    /** One of the two source texts. */
    private static final class Text extends SimpleJavaFileObject {
        private final String text;

        Text(String name, String text) {
            super(URI.create("code:///" + name), Kind.SOURCE);
            this.text = text;
        }

        /** As it appears in what the compiler says; the URI's path would begin with a slash. */
        @Override
        public String getName() {
            return super.getName().substring(1);
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }

        /** Any public class may be in it, whatever the file is called. */
        @Override
        public boolean isNameCompatible(String simpleName, Kind kind) {
            return kind == Kind.SOURCE && !simpleName.equals("module-info");
        }
    }

    /**
     * Reads the JDK through javac's own manager and the libraries from {@link Library}; keeps what is written.
     *
     * <p>One for all compilations: the kept context holds on to the first that it is given.
     */
    private static final class Files extends ForwardingJavaFileManager<JavaFileManager> {
        private final Library library;
        private Result result;

        Files(JavaFileManager platform, Library library) {
            super(platform);
            this.library = library;
        }

        @Override
        public boolean hasLocation(Location location) {
            if (location instanceof StandardLocation) {
                return location == StandardLocation.CLASS_PATH || location == StandardLocation.CLASS_OUTPUT
                        || location == StandardLocation.SYSTEM_MODULES;
            }
            return super.hasLocation(location);
        }

        @Override
        public Iterable<JavaFileObject> list(Location location, String packageName, Set<JavaFileObject.Kind> kinds,
                boolean recurse) throws IOException {
            if (location == StandardLocation.CLASS_PATH) {
                return kinds.contains(JavaFileObject.Kind.CLASS) ? library.list(packageName) : List.of();
            }
            if (location instanceof StandardLocation) {
                return List.of();
            }
            return super.list(location, packageName, kinds, recurse);
        }

        @Override
        public String inferBinaryName(Location location, JavaFileObject file) {
            return file instanceof Library.Entry ? ((Library.Entry) file).binaryName : super.inferBinaryName(location, file);
        }

        @Override
        public boolean isSameFile(FileObject one, FileObject other) {
            return one == other || one.toUri().equals(other.toUri());
        }

        @Override
        public JavaFileObject getJavaFileForInput(Location location, String className, JavaFileObject.Kind kind)
                throws IOException {
            return location instanceof StandardLocation ? null : super.getJavaFileForInput(location, className, kind);
        }

        @Override
        public JavaFileObject getJavaFileForOutput(Location location, String className, JavaFileObject.Kind kind,
                FileObject sibling) {
            Map<String, byte[]> classes =
                    sibling != null && sibling.getName().endsWith(TESTS) ? result.testClasses : result.sourceClasses;
            return new SimpleJavaFileObject(URI.create("class:///" + className.hashCode()), kind) {
                @Override
                public OutputStream openOutputStream() {
                    return new ByteArrayOutputStream() {
                        @Override
                        public void close() {
                            classes.put(className, toByteArray());
                        }
                    };
                }
            };
        }

        /** The platform's manager serves the next compilation too. */
        @Override
        public void close() {}
    }
}
