//! Java, tested with `JUnit` 5 and Mockito.

use super::LanguageFacts;
use super::syntax::Grammar;

pub(super) const FACTS: LanguageFacts = LanguageFacts {
    framework: "JUnit 5 + Mockito",
    file_name: "CodeTest.java",
    placeholder: "public class Clamp {
    public static int clamp(int value, int low, int high) {
        if (low > high) {
            throw new IllegalArgumentException(\"low must not be greater than high\");
        }
        return Math.max(low, Math.min(value, high));
    }
}
",
};

pub(super) const STYLE: &str = include_str!("prompts/java.md");

pub(super) const GRAMMAR: Grammar = Grammar {
    dialects: &[tree_sitter_java::LANGUAGE],
    idle: &["line_comment", "block_comment", "package_declaration", "import_declaration", ";"],
    refused: &[],
    // The grammar takes statements and methods at the top, for shells; a compiler does not.
    top_level: &[
        "package_declaration",
        "import_declaration",
        "class_declaration",
        "interface_declaration",
        "enum_declaration",
        "record_declaration",
        "annotation_type_declaration",
        "line_comment",
        "block_comment",
        ";",
    ],
    telling: &[
        "class_declaration",
        "interface_declaration",
        "enum_declaration",
        "record_declaration",
        "annotation_type_declaration",
    ],
};
