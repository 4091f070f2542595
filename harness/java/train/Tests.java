import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertIterableEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.inOrder;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.spy;
import static org.mockito.Mockito.times;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mockito.ArgumentCaptor;
import org.mockito.Captor;
import org.mockito.InjectMocks;
import org.mockito.Mock;
import org.mockito.Spy;
import org.mockito.junit.jupiter.MockitoExtension;

/** A bit of everything that tests tend to use, passing and failing, so that the archive has the classes for it. */
@ExtendWith(MockitoExtension.class)
class BasketTest {
    @Mock private Prices prices;
    @InjectMocks private Basket basket;
    @Spy private ArrayList<String> spied;
    @Captor private ArgumentCaptor<String> captor;

    @Test
    void addsUp() {
        when(prices.has(anyString())).thenReturn(true);
        when(prices.of("tea")).thenReturn(2.5);

        basket.add("tea", 2);

        assertEquals(5.0, basket.total(), 1e-9);
        assertEquals(Map.of("tea", 2), basket.counts());
        verify(prices, times(1)).of(captor.capture());
        assertEquals("tea", captor.getValue());
    }

    @Test
    void refuses() {
        IllegalStateException thrown = assertThrows(IllegalStateException.class, () -> basket.add("tea", 1));
        assertEquals("no price for tea", thrown.getMessage());
        verify(prices, never()).of(anyString());
    }

    @Test
    void spies() {
        spied.add("x");
        inOrder(spied).verify(spied).add("x");
        Basket other = spy(new Basket(prices));
        assertEquals(0.0, other.total());
        assertNotNull(mock(List.class));
    }

    @Test
    void failsToVerify() {
        verify(prices).of("never");
    }

    @Test
    void stubsTooMuch() {
        when(prices.of("unused")).thenReturn(1.0);
    }
}

@DisplayName("plain tests")
class PlainTest {
    @BeforeAll
    static void beforeAll() {}

    @BeforeEach
    void beforeEach() {}

    @AfterEach
    void afterEach() {}

    @AfterAll
    static void afterAll() {}

    @Test
    void asserts() {
        assertAll(() -> assertEquals(1, 1), () -> assertTrue(true), () -> assertFalse(false));
        assertArrayEquals(new int[] {1}, new int[] {1});
        assertIterableEquals(List.of("a"), List.of("a"));
        assertNull(null);
        assertDoesNotThrow(() -> {});
        assertEquals("""
            a
            b
            """, "a\nb\n");
        System.out.println("out");
    }

    @Test
    void failsEach() {
        assertAll("two", () -> assertEquals(1, 2), () -> fail("other"));
    }

    @Test
    void failsTexts() {
        assertEquals("a", "b", () -> "lazy");
    }

    @Test
    void breaks() {
        throw new IllegalStateException("outer", new RuntimeException("inner"));
    }

    @Test
    void overflows() {
        overflows();
    }

    @Test
    void assumes() {
        assumeTrue(false, "not here");
    }

    @Test
    @Timeout(5)
    void inTime(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("a"), "a");
        assertTimeoutPreemptively(Duration.ofSeconds(5), () -> {});
    }

    @Test
    @Disabled("later")
    void later() {}

    @RepeatedTest(2)
    void again() {}

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({"0, zero", "1, one", "12, '1 2'"})
    void spells(int number, String text) {
        assertEquals(text, Basket.spell(number));
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void areas(Shape shape, double area) {
        assertEquals(area, Basket.area(shape), 1e-9);
    }

    static Stream<Arguments> shapes() {
        return Stream.of(Arguments.of(new Square(2), 4.0), Arguments.of(new Circle(0), 0.0));
    }

    @ParameterizedTest
    @EnumSource(Level.class)
    void levels(Level level) {
        assertNotNull(level);
    }

    @ParameterizedTest
    @NullAndEmptySource
    @ValueSource(strings = {"a", "b"})
    void texts(String text) {
        assertEquals(1, Basket.map(key -> 1, "k").size());
    }

    @TestFactory
    Stream<DynamicTest> made() {
        return Stream.of(DynamicTest.dynamicTest("one", () -> {}));
    }

    @Nested
    class Inner {
        @Test
        void negative() {
            assertThrows(IllegalArgumentException.class, () -> new Line("a", -1));
        }
    }
}
