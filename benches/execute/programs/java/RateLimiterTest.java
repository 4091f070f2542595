import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RateLimiterTest {
    private final AtomicLong now = new AtomicLong(1_000_000);
    private RateLimiter limiter;

    @BeforeEach
    void setUp() {
        limiter = new RateLimiter(2, Duration.ofSeconds(10), now::get);
    }

    @Test
    @DisplayName("calls below the limit are allowed")
    void allowsCallsBelowTheLimit() {
        assertEquals(new Allowed(1), limiter.ask("ada"));
        assertEquals(new Allowed(0), limiter.ask("ada"));
    }

    @Test
    void saysWhenToComeBack() {
        limiter.ask("ada");
        now.addAndGet(3_000);
        limiter.ask("ada");
        assertEquals(new Refused(Duration.ofSeconds(7)), limiter.ask("ada"));
    }

    @Test
    void countsEveryClientByItself() {
        limiter.ask("ada");
        limiter.ask("ada");
        assertInstanceOf(Allowed.class, limiter.ask("grace"));
    }

    @Test
    void knowsWhoIsBusiest() {
        assertEquals(Optional.empty(), limiter.busiest());
        limiter.ask("ada");
        limiter.ask("grace");
        limiter.ask("grace");
        assertEquals(Optional.of("grace"), limiter.busiest());
    }

    @Test
    void countsUsageInOrder() {
        limiter.ask("grace");
        limiter.ask("ada");
        limiter.ask("ada");
        assertEquals(Map.of("ada", 2, "grace", 1), limiter.usage());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, Integer.MIN_VALUE})
    void refusesALimitThatIsNone(int limit) {
        var error = assertThrows(
                IllegalArgumentException.class, () -> new RateLimiter(limit, Duration.ofSeconds(1), now::get));
        assertTrue(error.getMessage().contains("positive"));
    }

    @Nested
    class AfterARefusal {
        @BeforeEach
        void useUp() {
            limiter.ask("ada");
            limiter.ask("ada");
        }

        @Test
        void theWindowSlides() {
            now.addAndGet(10_000);
            assertEquals("allowed, 1 left", limiter.ask("ada").describe());
        }

        @Test
        void aForgottenClientBeginsAnew() {
            assertEquals("refused for 10000 ms", limiter.ask("ada").describe());
            limiter.forget("ada");
            assertEquals("allowed, 1 left", limiter.ask("ada").describe());
        }
    }
}
