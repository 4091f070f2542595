package tester.harness;

import java.lang.invoke.MethodHandles;
import java.util.HashMap;
import java.util.Map;

/**
 * Gives the compiled classes to the JVM.
 *
 * <p>They go into the application's own class loader, beside Mockito: older versions of Mockito can mock a type that is
 * not public only if it has the same loader as Mockito itself. The harness and JUnit are in a named module that is not
 * open, so the shared loader gives user code no way to them.
 */
final class UserCode {
    private final Map<String, byte[]> waiting = new HashMap<>();
    private final MethodHandles.Lookup place;

    private UserCode(Compiler.Result compiled) throws ReflectiveOperationException {
        waiting.putAll(compiled.sourceClasses);
        waiting.putAll(compiled.testClasses);
        Class<?> anchor = Class.forName("$TesterUserCode", false, ClassLoader.getSystemClassLoader());
        UserCode.class.getModule().addReads(anchor.getModule());
        place = MethodHandles.privateLookupIn(anchor, MethodHandles.lookup());
    }

    /** Defines all classes, and gives the loader that has them. */
    static ClassLoader load(Compiler.Result compiled) throws ReflectiveOperationException {
        ClassLoader application = ClassLoader.getSystemClassLoader();
        UserCode code = new UserCode(compiled);
        if (code.waiting.keySet().stream().anyMatch(name -> name.indexOf('.') >= 0)) {
            // A package line was left. A lookup can define classes only in packages that exist.
            return new Packaged(application, code.waiting);
        }
        for (String name : compiled.sourceClasses.keySet()) {
            code.define(name);
        }
        for (String name : compiled.testClasses.keySet()) {
            code.define(name);
        }
        return application;
    }

    private void define(String name) throws IllegalAccessException {
        byte[] bytes = waiting.get(name);
        while (bytes != null && waiting.containsKey(name)) {
            try {
                place.defineClass(bytes);
                waiting.remove(name);
            } catch (NoClassDefFoundError missing) {
                // Supertypes must be there first, and the JVM says which. Types that the verifier asks for may
                // come later: then the class is there already, only not linked yet.
                if (isThere(name)) {
                    waiting.remove(name);
                    return;
                }
                String needed = missing.getMessage();
                if (needed == null || needed.equals(name) || !waiting.containsKey(needed)) {
                    throw missing;
                }
                define(needed);
            }
        }
    }

    private boolean isThere(String name) {
        try {
            Class.forName(name, false, place.lookupClass().getClassLoader());
            return true;
        } catch (ClassNotFoundException | LinkageError absent) {
            return false;
        }
    }

    /** For code in a package of its own. */
    private static final class Packaged extends ClassLoader {
        private final Map<String, byte[]> classes;

        Packaged(ClassLoader parent, Map<String, byte[]> classes) {
            super("user", parent);
            this.classes = classes;
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            byte[] bytes = classes.get(name);
            if (bytes == null) {
                throw new ClassNotFoundException(name);
            }
            return defineClass(name, bytes, 0, bytes.length);
        }
    }
}
