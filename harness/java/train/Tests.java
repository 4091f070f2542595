import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WarmUpSubject$Test {
    private WarmUpSubject$ subject;

    @BeforeEach
    void setUp() {
        subject = new WarmUpSubject$();
    }

    @Test
    void counts() {
        assertEquals(2, subject.add("a", 2));
        assertTrue(List.of(1, 2).contains(2), "contains");
    }

    @Test
    void refuses() {
        IllegalArgumentException thrown = assertThrows(IllegalArgumentException.class, () -> subject.add("a", -1));
        assertEquals("negative: -1", thrown.getMessage());
    }

    @Test
    void fails() {
        assertEquals(3, subject.add("a", 2));
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 2"})
    void adds(int count, int sum) {
        assertEquals(sum, subject.add("b", count));
    }

    @Nested
    class Empty {
        @Test
        void isZero() {
            assertEquals(0, subject.add("a", 0));
        }
    }
}
