//! JavaScript (JSX included), tested with Jest.

use super::LanguageFacts;
use super::syntax::Grammar;

pub(super) const FACTS: LanguageFacts = LanguageFacts {
    framework: "Jest",
    file_name: "code.test.js",
    placeholder: "function clamp(value, low, high) {
  if (low > high) {
    throw new RangeError('low must not be greater than high');
  }
  return Math.max(low, Math.min(value, high));
}
",
};

pub(super) const STYLE: &str = include_str!("prompts/javascript.md");

pub(super) const GRAMMAR: Grammar = Grammar {
    dialects: &[tree_sitter_javascript::LANGUAGE],
    idle: IDLE,
    refused: &[],
    top_level: &[],
    telling: TELLING,
};

/// Shared with TypeScript, which is a superset.
pub(super) const IDLE: &[&str] =
    &["comment", "html_comment", "hash_bang_line", "import_statement", "empty_statement"];

/// Shared with TypeScript, which is a superset.
pub(super) const TELLING: &[&str] = &[
    "function_declaration",
    "generator_function_declaration",
    "class_declaration",
    "lexical_declaration",
    "variable_declaration",
    "export_statement",
    "if_statement",
    "for_statement",
    "for_in_statement",
    "while_statement",
    "try_statement",
];
