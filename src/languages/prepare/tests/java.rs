use super::*;

#[test]
fn packages_and_imports_of_the_source_go() {
    let prepared = prepare(
        LanguageCode::Java,
        "package com.example;\n\nimport java.util.List;\npublic class Foo { public int a; }\n",
        "package com.example;\nimport com.example.Foo;\nimport static com.example.Foo.bar;\n\
         import com.example.*;\nimport static org.junit.jupiter.api.Assertions.*;\nimport org.other.Thing;\n\
         @Deprecated public class FooTest { public void x() {} }\n",
    );
    assert_eq!(
        prepared.source,
        "                    \n\nimport java.util.List;\n       class Foo { public int a; }\n"
    );
    assert_eq!(
        tests_of(&prepared),
        [
            "",
            "",
            "",
            "",
            "import static org.junit.jupiter.api.Assertions.*;",
            "import org.other.Thing;",
            "@Deprecated        class FooTest { public void x() {} }"
        ]
    );
}

#[test]
fn types_of_the_source_are_known_whatever_package_the_tests_say() {
    let prepared = prepare(
        LanguageCode::Java,
        "public sealed interface Shape permits Circle {}\npublic record Circle(int r) implements Shape {}",
        "import com.shapes.Circle;\nimport com.shapes.Shape;\nimport java.util.List;\nimport static com.shapes.Circle.*;\nclass T {}",
    );
    assert!(!prepared.source.contains("public"));
    assert_eq!(tests_of(&prepared), ["", "", "import java.util.List;", "", "class T {}"]);
}
