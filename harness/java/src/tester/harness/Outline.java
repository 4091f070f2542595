package tester.harness;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ImportTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.SourcePositions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the test code declares and where, read off the compiler's own tree. */
final class Outline {
    /** Binary names of the member and top-level classes, in the order of the text. */
    final List<String> classes = new ArrayList<>();
    /** Packages that the tests import whole, without the {@code .*}. */
    final List<String> wholePackages = new ArrayList<>();
    /** Simple names of the types that the tests import one by one. */
    final Set<String> singleImports = new HashSet<>();

    private final Map<String, Integer> lines = new HashMap<>();

    void read(CompilationUnitTree unit, SourcePositions positions) {
        for (ImportTree one : unit.getImports()) {
            String name = String.valueOf(one.getQualifiedIdentifier());
            if (!one.isStatic() && name.endsWith(".*")) {
                wholePackages.add(name.substring(0, name.length() - 2));
            } else if (!one.isStatic()) {
                singleImports.add(name.substring(name.lastIndexOf('.') + 1));
            }
        }
        String prefix = unit.getPackageName() == null ? "" : unit.getPackageName() + ".";
        for (Tree tree : unit.getTypeDecls()) {
            if (tree instanceof ClassTree) {
                readClass((ClassTree) tree, prefix, unit, positions);
            }
        }
    }

    private void readClass(ClassTree tree, String prefix, CompilationUnitTree unit, SourcePositions positions) {
        String name = prefix + tree.getSimpleName();
        classes.add(name);
        // Nothing gives the position of the name; modifiers, where annotations are, come first and may fill lines.
        lines.putIfAbsent(name, line(tree, unit, positions));
        for (Tree member : tree.getMembers()) {
            if (member instanceof ClassTree) {
                readClass((ClassTree) member, name + "$", unit, positions);
            } else if (member instanceof MethodTree) {
                MethodTree method = (MethodTree) member;
                Tree near = method.getReturnType() == null ? method : method.getReturnType();
                lines.putIfAbsent(name + "#" + method.getName(), line(near, unit, positions));
            }
        }
    }

    private static Integer line(Tree tree, CompilationUnitTree unit, SourcePositions positions) {
        long start = positions.getStartPosition(unit, tree);
        return start < 0 ? null : (int) unit.getLineMap().getLineNumber(start);
    }

    /** The line of a class, by its binary name, or of a method, by {@code class#method}; null if it is not here. */
    Integer line(String name) {
        return lines.get(name);
    }
}
