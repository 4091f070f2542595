use super::*;

const HEAD: &str =
    "import org.junit.jupiter.api.*;\nimport org.junit.jupiter.params.ParameterizedTest;\n";

fn read(tests: &str) -> Manifest {
    manifest(LanguageCode::Java, "class Calc { }", &format!("{HEAD}{tests}"))
}

#[test]
fn test_methods_are_required() {
    let manifest = read(
        "class CalcTest {\n  @Test void adds() {}\n  @org.junit.jupiter.api.Test\n  public void subtracts() {}\n  \
         @ParameterizedTest @ValueSource(ints = {1}) void takes(int x) {}\n  @RepeatedTest(3) void again() {}\n  \
         @Test @Disabled void later() {}\n  @BeforeEach void setUp() {}\n  void helper() {}\n}\n",
    );
    assert_eq!(
        required(&manifest),
        [
            "CalcTest#adds",
            "CalcTest#subtracts",
            "CalcTest#takes[",
            "CalcTest#again[",
            "CalcTest#later"
        ]
    );
    assert_eq!(manifest.expected[1].line, 6);
}

#[test]
fn methods_that_junit_passes_over_are_no_tests() {
    let manifest = read(
        "class ATest {\n  @Test private void a() {}\n  @Test static void b() {}\n  @Test int c() { return 1; }\n  \
         @TestFactory void d() {}\n  @Test void e() {}\n}\nabstract class Base { @Test void f() {} }\n\
         interface Contract { @Test default void g() {} }\n",
    );
    assert_eq!(required(&manifest), ["ATest#e"]);
    assert_eq!(optional(&manifest), [""; 0]);
}

#[test]
fn nested_classes_are_named_after_what_holds_them() {
    let manifest = read(
        "class OuterTest {\n  @Nested class Inner {\n    @Test void a() {}\n    @Nested class Deep { @Test void b() {} }\n  }\n  \
         class Helper { @Test void c() {} }\n  static class Held { @Test void d() {} }\n  @Nested private class Hidden { @Test void e() {} }\n}\n",
    );
    assert_eq!(
        required(&manifest),
        ["OuterTest.Inner#a", "OuterTest.Inner.Deep#b", "OuterTest.Held#d"]
    );
}

#[test]
fn what_may_report_nothing_is_not_required() {
    let manifest = read(
        "class ATest {\n  @TestFactory Stream<DynamicTest> a() { return null; }\n}\n\
         class BTest {\n  BTest() {}\n  BTest(int x) {}\n  @Test void b() {}\n}\n",
    );
    assert_eq!(required(&manifest), [""; 0]);
    assert_eq!(optional(&manifest), ["ATest#a[", "BTest#b"]);
}

#[test]
fn overloads_are_numbered() {
    let manifest =
        read("class ATest {\n  @Test void a() {}\n  @Test void a(TestInfo info) {}\n}\n");
    assert_eq!(required(&manifest), ["ATest#a", "ATest#a #2"]);
}

#[test]
fn an_annotation_must_be_junits() {
    let tests = "class ATest { @Test void a() {} }";
    let count =
        |source: &str, tests: &str| required(&manifest(LanguageCode::Java, source, tests)).len();
    assert_eq!(count("class A {}", tests), 0);
    assert_eq!(count("class A {}", &format!("import org.junit.Test;\n{tests}")), 0);
    assert_eq!(count("@interface Test {}", &format!("{HEAD}{tests}")), 0);
    assert_eq!(count("class Test {}", &format!("import org.junit.jupiter.api.Test;\n{tests}")), 1);
}

#[test]
fn who_takes_the_names_that_judge_is_told() {
    let manifest = manifest(
        LanguageCode::Java,
        "class Test {}\nclass Assertions {}\nclass A { class Assertions {} }",
        HEAD,
    );
    let told: Vec<_> = manifest.shadows.iter().map(|s| (s.name.as_str(), s.role, s.line)).collect();
    assert_eq!(told, [("Test", Role::Runner, 1), ("Assertions", Role::Judge, 2)]);
}
