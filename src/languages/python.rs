//! Python, tested with pytest.

use super::LanguageFacts;
use super::problem::SyntaxKind;
use super::syntax::Grammar;

pub(super) const FACTS: LanguageFacts = LanguageFacts {
    framework: "pytest",
    file_name: "test_code.py",
    placeholder: "def clamp(value, low, high):
    \"\"\"Returns value, moved into the range from low to high.\"\"\"
    if low > high:
        raise ValueError(\"low must not be greater than high\")
    return max(low, min(value, high))
",
};

pub(super) const STYLE: &str = include_str!("prompts/python.md");

pub(super) const GRAMMAR: Grammar = Grammar {
    dialects: &[tree_sitter_python::LANGUAGE],
    idle: &[
        "comment",
        "import_statement",
        "import_from_statement",
        "future_import_statement",
        "pass_statement",
    ],
    refused: &[("print_statement", SyntaxKind::Python2), ("exec_statement", SyntaxKind::Python2)],
    top_level: &[],
    telling: &[
        "function_definition",
        "class_definition",
        "decorated_definition",
        "if_statement",
        "for_statement",
        "while_statement",
        "with_statement",
        "try_statement",
        "import_from_statement",
    ],
};
