package tester.harness;

import java.util.Map;

/**
 * The loader of the compiled code.
 *
 * <p>Its parent is the application's loader, so the code sees the JDK, JUnit's exported packages and Mockito. The
 * harness's own package is in a named module that exports it to nobody.
 */
final class UserLoader extends ClassLoader {
    private final Map<String, byte[]> source;
    private final Map<String, byte[]> tests;

    UserLoader(ClassLoader parent, Map<String, byte[]> source, Map<String, byte[]> tests) {
        super("user", parent);
        this.source = source;
        this.tests = tests;
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        byte[] bytes = source.get(name);
        if (bytes == null) {
            bytes = tests.get(name);
        }
        if (bytes == null) {
            throw new ClassNotFoundException(name);
        }
        return defineClass(name, bytes, 0, bytes.length);
    }
}
