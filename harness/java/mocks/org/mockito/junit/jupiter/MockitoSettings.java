package org.mockito.junit.jupiter;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;
import org.mockito.quality.Strictness;

/** Sets how strict {@link MockitoExtension} is; as in Mockito's own mockito-junit-jupiter. */
@ExtendWith(MockitoExtension.class)
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface MockitoSettings {
    Strictness strictness() default Strictness.STRICT_STUBS;
}
