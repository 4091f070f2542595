package tester.mocks;

import org.mockito.internal.creation.bytebuddy.ByteBuddyMockMaker;
import org.mockito.internal.creation.bytebuddy.InlineByteBuddyMockMaker;
import org.mockito.invocation.MockHandler;
import org.mockito.mock.MockCreationSettings;
import org.mockito.plugins.MockMaker;

/**
 * Mocks by subclass where that is possible, and final classes, records and enums by Mockito's inline maker.
 *
 * <p>The inline maker alone would do for all, but it needs an agent, and starting that costs more than a whole run of
 * tests; so it starts only when a test mocks something final.
 */
public final class FinalMockMaker implements MockMaker {
    private final MockMaker subclass = new ByteBuddyMockMaker();
    private MockMaker inline;

    private synchronized MockMaker inline() {
        if (inline == null) {
            inline = new InlineByteBuddyMockMaker();
        }
        return inline;
    }

    private MockMaker makerFor(Class<?> type) {
        return subclass.isTypeMockable(type).mockable() ? subclass : inline();
    }

    private MockMaker makerOf(Object mock) {
        return inline != null && mock != null && subclass.getHandler(mock) == null ? inline : subclass;
    }

    @Override
    public <T> T createMock(MockCreationSettings<T> settings, MockHandler handler) {
        return makerFor(settings.getTypeToMock()).createMock(settings, handler);
    }

    @Override
    public MockHandler getHandler(Object mock) {
        return makerOf(mock).getHandler(mock);
    }

    @Override
    @SuppressWarnings("rawtypes")
    public void resetMock(Object mock, MockHandler handler, MockCreationSettings settings) {
        makerOf(mock).resetMock(mock, handler, settings);
    }

    @Override
    public TypeMockability isTypeMockable(Class<?> type) {
        // Primitive types and arrays cannot be mocked by any maker; the subclass maker words that well.
        return type.isPrimitive() || type.isArray() ? subclass.isTypeMockable(type) : makerFor(type).isTypeMockable(type);
    }
}
