package tester.harness;

import java.lang.reflect.Method;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Assertions;

/**
 * Finds the tricks by which the code under test can take the place of what the tests think they call.
 *
 * <p>JUnit itself is in a named module that is not open, so it cannot be patched by reflection; and a class of it
 * cannot be replaced, as the parent loader is asked first. What is left are names.
 */
final class Integrity {
    /** Types whose replacement would weaken what the tests assert. A source may well have an {@code Order} or a {@code Tag}. */
    private static final List<String> TRUSTED = List.of("Assertions", "Assumptions", "Test", "ParameterizedTest",
            "RepeatedTest", "TestFactory", "TestTemplate", "DynamicTest", "Mockito", "BDDMockito", "MockitoExtension",
            "ArgumentMatchers", "AdditionalMatchers", "ArgumentCaptor", "InOrder", "ExtendWith", "AssertionFailedError");

    /** A type of such a name is found before the package when the tests write a name in full. */
    private static final List<String> ROOTS = List.of("java", "org");

    private final Library library;
    private final Set<String> assertions = new HashSet<>();

    Integrity(Library library) {
        this.library = library;
        for (Method method : Assertions.class.getMethods()) {
            if (method.getName().startsWith("assert")) {
                assertions.add(method.getName());
            }
        }
    }

    /**
     * A type of the package hides one that is imported by {@code import org.junit.jupiter.api.*}, and a class may not
     * join a package of the libraries.
     */
    String findImpostor(Compiler.Result compiled) {
        for (String name : compiled.sourceClasses.keySet()) {
            if (ROOTS.contains(name)) {
                return "the code under test declares a type " + name + ", which hides the packages of that name";
            }
            if (TRUSTED.contains(name) && !compiled.outline.singleImports.contains(name)) {
                for (String whole : compiled.outline.wholePackages) {
                    if (library.has(whole + "." + name)) {
                        return "the code under test declares " + name + ", which hides " + whole + "." + name
                                + " from the tests";
                    }
                }
            }
        }
        for (Set<String> names : List.of(compiled.sourceClasses.keySet(), compiled.testClasses.keySet())) {
            for (String name : names) {
                int dot = name.lastIndexOf('.');
                if (dot > 0 && library.ownsPackage(name.substring(0, dot))) {
                    return "the code declares the class " + name + " in a package of the test framework";
                }
            }
        }
        return null;
    }

    /** A method that a test class inherits hides the one of the same name that is imported statically. */
    String findInheritedAssertion(Class<?> testClass, Compiler.Result compiled) {
        Set<Class<?>> seen = new HashSet<>();
        return findInheritedAssertion(testClass, testClass, compiled, seen);
    }

    private String findInheritedAssertion(Class<?> testClass, Class<?> from, Compiler.Result compiled,
            Set<Class<?>> seen) {
        if (from == null || !seen.add(from)) {
            return null;
        }
        if (compiled.sourceClasses.containsKey(from.getName())) {
            for (Method method : from.getDeclaredMethods()) {
                if (assertions.contains(method.getName())) {
                    return "the test class " + testClass.getName() + " inherits " + method.getName()
                            + " from the code under test, which hides JUnit's";
                }
            }
        }
        String found = findInheritedAssertion(testClass, from.getSuperclass(), compiled, seen);
        for (Class<?> one : from.getInterfaces()) {
            found = found != null ? found : findInheritedAssertion(testClass, one, compiled, seen);
        }
        return found;
    }

    /** Somebody with more power than reflection (an agent, {@code Unsafe}) has opened what was closed. */
    String findOpenedModule(ClassLoader user) {
        Module base = Object.class.getModule();
        Module own = Integrity.class.getModule();
        for (Module other : List.of(user.getUnnamedModule(), ClassLoader.getSystemClassLoader().getUnnamedModule())) {
            for (String name : List.of("java.lang", "java.lang.reflect", "java.io", "jdk.internal.misc")) {
                if (base.isOpen(name, other)) {
                    return "the package " + name + " was opened to user code";
                }
            }
            if (own.isNamed()) {
                for (String name : own.getPackages()) {
                    if (own.isOpen(name, other)) {
                        return "the package " + name + " of the test framework was opened to user code";
                    }
                }
            }
        }
        return null;
    }
}
