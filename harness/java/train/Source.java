import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

class WarmUpSubject$ {
    enum Kind { ONE, TWO }

    record Pair<T>(T left, Kind kind) {}

    private final Map<String, List<Pair<String>>> all = new HashMap<>();

    int add(String name, int count) {
        if (count < 0) {
            throw new IllegalArgumentException("negative: " + count);
        }
        for (int i = 0; i < count; i++) {
            all.computeIfAbsent(name, key -> new ArrayList<>()).add(new Pair<>(name + i, Kind.ONE));
        }
        return all.values().stream().mapToInt(List::size).sum();
    }
}
