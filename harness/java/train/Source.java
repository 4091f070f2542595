import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A bit of everything that code under test tends to use, so that the archive has the classes for it. */
interface Prices {
    double of(String item);

    default boolean has(String item) {
        return of(item) > 0;
    }
}

enum Level { LOW, HIGH }

record Line(String item, int count) {
    Line {
        if (count < 0) {
            throw new IllegalArgumentException("negative count: " + count);
        }
        Objects.requireNonNull(item);
    }
}

sealed interface Shape permits Circle, Square {}

record Circle(double radius) implements Shape {}

record Square(double side) implements Shape {}

class Basket {
    private final Prices prices;
    private final List<Line> lines = new ArrayList<>();

    Basket(Prices prices) {
        this.prices = prices;
    }

    void add(String item, int count) {
        if (!prices.has(item)) {
            throw new IllegalStateException(String.format("no price for %s", item));
        }
        lines.add(new Line(item, count));
    }

    double total() {
        return lines.stream().mapToDouble(line -> prices.of(line.item()) * line.count()).sum();
    }

    Map<String, Integer> counts() {
        return lines.stream().collect(Collectors.groupingBy(Line::item, Collectors.summingInt(Line::count)));
    }

    Optional<Line> largest() {
        return lines.stream().max(Comparator.comparingInt(Line::count));
    }

    List<Line> lines() {
        return Collections.unmodifiableList(lines);
    }

    static String spell(int number) {
        return switch (number) {
            case 0 -> "zero";
            case 1 -> "one";
            default -> {
                StringBuilder text = new StringBuilder();
                for (char digit : Integer.toString(number).toCharArray()) {
                    text.append(digit).append(' ');
                }
                yield text.toString().trim();
            }
        };
    }

    static double area(Shape shape) {
        if (shape instanceof Circle circle) {
            return Math.PI * circle.radius() * circle.radius();
        }
        return shape instanceof Square square ? square.side() * square.side() : 0;
    }

    static <T, R> Map<T, R> map(Function<T, R> function, T... keys) {
        Map<T, R> result = new HashMap<>();
        Arrays.asList(keys).forEach(key -> result.computeIfAbsent(key, function));
        return result;
    }
}
