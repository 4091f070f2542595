import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/** Lets so many calls of a client through in a sliding window. */
public class RateLimiter {
    private final int limit;
    private final long windowMillis;
    private final LongSupplier clock;
    private final Map<String, Deque<Long>> calls = new HashMap<>();

    public RateLimiter(int limit, Duration window, LongSupplier clock) {
        if (limit <= 0) {
            throw new IllegalArgumentException("the limit must be positive");
        }
        this.limit = limit;
        this.windowMillis = window.toMillis();
        this.clock = Objects.requireNonNull(clock);
    }

    public Decision ask(String client) {
        long now = clock.getAsLong();
        Deque<Long> recent = calls.computeIfAbsent(client, key -> new ArrayDeque<>());
        while (!recent.isEmpty() && recent.peekFirst() <= now - windowMillis) {
            recent.removeFirst();
        }
        if (recent.size() < limit) {
            recent.addLast(now);
            return new Allowed(limit - recent.size());
        }
        return new Refused(Duration.ofMillis(recent.getFirst() + windowMillis - now));
    }

    public Optional<String> busiest() {
        return calls.entrySet().stream()
                .filter(entry -> !entry.getValue().isEmpty())
                .max(Map.Entry.comparingByValue((a, b) -> Integer.compare(a.size(), b.size())))
                .map(Map.Entry::getKey);
    }

    public Map<String, Integer> usage() {
        return calls.entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().size(), Integer::sum, TreeMap::new));
    }

    public void forget(String client) {
        calls.remove(client);
    }
}

sealed interface Decision permits Allowed, Refused {
    default String describe() {
        if (this instanceof Allowed allowed) {
            return "allowed, " + allowed.remaining() + " left";
        }
        return "refused for " + ((Refused) this).retryAfter().toMillis() + " ms";
    }
}

record Allowed(int remaining) implements Decision {}

record Refused(Duration retryAfter) implements Decision {}
