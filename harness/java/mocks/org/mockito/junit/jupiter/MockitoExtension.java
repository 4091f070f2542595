package org.mockito.junit.jupiter;

import java.lang.reflect.Parameter;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;
import org.mockito.Mock;
import org.mockito.Mockito;
import org.mockito.MockitoSession;
import org.mockito.MockSettings;
import org.mockito.quality.Strictness;

/**
 * Makes the mocks of the annotated fields and parameters for each test, and checks the stubs after it.
 *
 * <p>Debian 12 packages no mockito-junit-jupiter, and that of Debian 13 belongs to another version of Mockito; so this
 * is our own, of the same name, for both.
 */
public class MockitoExtension implements BeforeEachCallback, AfterEachCallback, ParameterResolver {
    private static final ExtensionContext.Namespace SPACE = ExtensionContext.Namespace.create("org.mockito");
    private static final String SESSION = "session";

    private final Strictness strictness;

    public MockitoExtension() {
        this(Strictness.STRICT_STUBS);
    }

    private MockitoExtension(Strictness strictness) {
        this.strictness = strictness;
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        List<Object> instances = context.getRequiredTestInstances().getAllInstances();
        MockitoSession session = Mockito.mockitoSession()
                .initMocks(instances.toArray())
                .strictness(strictness(context))
                .startMocking();
        context.getStore(SPACE).put(SESSION, session);
    }

    private Strictness strictness(ExtensionContext context) {
        Optional<ExtensionContext> one = Optional.of(context);
        while (one.isPresent()) {
            Optional<MockitoSettings> settings =
                    AnnotationSupport.findAnnotation(one.get().getElement(), MockitoSettings.class);
            if (settings.isPresent()) {
                return settings.get().strictness();
            }
            one = one.get().getParent();
        }
        return strictness;
    }

    @Override
    public void afterEach(ExtensionContext context) {
        MockitoSession session = context.getStore(SPACE).remove(SESSION, MockitoSession.class);
        if (session != null) {
            session.finishMocking(context.getExecutionException().orElse(null));
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.isAnnotated(Mock.class);
    }

    @Override
    public Object resolveParameter(ParameterContext context, ExtensionContext extension) {
        Parameter parameter = context.getParameter();
        Mock mock = parameter.getAnnotation(Mock.class);
        MockSettings settings = Mockito.withSettings().defaultAnswer(mock.answer())
                .name(mock.name().isEmpty() ? parameter.getName() : mock.name());
        if (mock.extraInterfaces().length > 0) {
            settings.extraInterfaces(mock.extraInterfaces());
        }
        if (mock.serializable()) {
            settings.serializable();
        }
        if (mock.stubOnly()) {
            settings.stubOnly();
        }
        return Mockito.mock(parameter.getType(), settings);
    }
}
