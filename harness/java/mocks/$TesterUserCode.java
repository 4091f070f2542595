/**
 * Marks the place where user code is defined: the default package of the application's class loader.
 *
 * <p>The harness takes its right to define classes there from this one.
 */
final class $TesterUserCode {
    private $TesterUserCode() {}
}
