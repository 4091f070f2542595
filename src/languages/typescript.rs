//! TypeScript (TSX included), tested with Jest.

use super::LanguageFacts;
use super::javascript::IDLE;
use super::syntax::Grammar;

pub(super) const FACTS: LanguageFacts = LanguageFacts {
    framework: "Jest",
    file_name: "code.test.ts",
    placeholder: "export function clamp(value: number, low: number, high: number): number {
  if (low > high) {
    throw new RangeError('low must not be greater than high');
  }
  return Math.max(low, Math.min(value, high));
}
",
};

pub(super) const STYLE: &str = include_str!("prompts/typescript.md");

pub(super) const GRAMMAR: Grammar = Grammar {
    // The first takes `<T>x` assertions, the second JSX; no grammar takes both.
    dialects: &[tree_sitter_typescript::LANGUAGE_TYPESCRIPT, tree_sitter_typescript::LANGUAGE_TSX],
    idle: IDLE,
    refused: &[],
    top_level: &[],
    telling: &[
        "function_declaration",
        "class_declaration",
        "abstract_class_declaration",
        "lexical_declaration",
        "variable_declaration",
        "export_statement",
        "interface_declaration",
        "type_alias_declaration",
        "enum_declaration",
        "if_statement",
        "for_statement",
        "for_in_statement",
        "while_statement",
        "try_statement",
    ],
};
