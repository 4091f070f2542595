package tester.harness;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;

/**
 * The classes of JUnit and Mockito that user code may compile against: the packages of this module that are exported,
 * and all of the jar with the mocks.
 *
 * <p>javac's own file manager walks whole jars when it first needs one, which costs more than a small compilation.
 */
final class Library {
    private final Map<String, List<JavaFileObject>> packages = new HashMap<>();

    /** One class file in a jar. */
    static final class Entry extends SimpleJavaFileObject {
        final String binaryName;
        private final ZipFile jar;
        private final ZipEntry entry;

        Entry(ZipFile jar, ZipEntry entry, String binaryName) {
            super(URI.create("lib:///" + entry.getName().replace("$", "%24")), Kind.CLASS);
            this.jar = jar;
            this.entry = entry;
            this.binaryName = binaryName;
        }

        @Override
        public InputStream openInputStream() throws IOException {
            synchronized (jar) {
                try (InputStream in = jar.getInputStream(entry)) {
                    return new ByteArrayInputStream(in.readAllBytes());
                }
            }
        }
    }

    /** @param jars the module's own jar first, then those of the class path */
    Library(Iterable<String> jars) throws IOException {
        Module module = Library.class.getModule();
        for (String path : jars) {
            ZipFile jar = new ZipFile(new File(path));
            Enumeration<? extends ZipEntry> entries = jar.entries();
            while (entries.hasMoreElements()) {
                ZipEntry entry = entries.nextElement();
                String name = entry.getName();
                int slash = name.lastIndexOf('/');
                if (slash < 0 || !name.endsWith(".class") || name.startsWith("META-INF/")
                        || name.startsWith("net/bytebuddy/")) {
                    continue;
                }
                String packageName = name.substring(0, slash).replace('/', '.');
                if (module.isNamed() && module.getPackages().contains(packageName) && !module.isExported(packageName)) {
                    continue;
                }
                String binaryName = packageName + "." + name.substring(slash + 1, name.length() - 6);
                packages.computeIfAbsent(packageName, key -> new ArrayList<>()).add(new Entry(jar, entry, binaryName));
            }
        }
    }

    List<JavaFileObject> list(String packageName) {
        return packages.getOrDefault(packageName, List.of());
    }

    boolean has(String binaryName) {
        int dot = binaryName.lastIndexOf('.');
        return dot > 0 && list(binaryName.substring(0, dot)).stream().anyMatch(file -> ((Entry) file).binaryName.equals(binaryName));
    }

    /** Whether user code's classes would join a package of the libraries. */
    boolean ownsPackage(String packageName) {
        return packages.containsKey(packageName)
                || Library.class.getModule().getPackages().contains(packageName)
                || packageName.startsWith("net.bytebuddy") || packageName.startsWith("org.objenesis");
    }
}
