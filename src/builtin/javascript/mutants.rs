//! Which changes to the code are tried: the mutants that kept inputs have to tell from the code as it
//! is. All of them are in one instrumented source, and the probe's variable says which one is on.

use serde::Serialize;

/// The most mutants one source gets. More make the search slow before they make it better.
pub(super) const MUTANTS_MAX: usize = 900;

/// One change to the code.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Mutant {
    /// The number that switches it on; numbers begin with 1.
    pub(super) id: usize,
    /// The point that is passed by all that reaches the change; `None` for code of the module itself.
    pub(super) point: Option<usize>,
}

/// Operators, and what each is replaced by. `left` and `right` stand for the operand alone, `<-1` for a
/// comparison with an operand that is one less.
pub(super) const OPERATORS: &[(&str, &[&str])] = &[
    ("<", &["<=", ">", "<-1"]),
    ("<=", &["<", ">=", "=="]),
    (">", &[">=", "<", ">+1"]),
    (">=", &[">", "<=", "=="]),
    ("==", &["!=", ">=", "<="]),
    ("===", &["!==", ">=", "<="]),
    ("!=", &["==", ">", "<"]),
    ("!==", &["===", ">", "<"]),
    ("+", &["-", "left", "right", "*"]),
    ("-", &["+", "left", "-right"]),
    ("*", &["/", "+", "left", "right"]),
    ("/", &["*", "left", "floor/"]),
    ("%", &["/", "left", "*"]),
    ("**", &["*", "left"]),
    ("&", &["|", "left"]),
    ("|", &["&", "left"]),
    ("^", &["|", "&"]),
    ("<<", &[">>", "left"]),
    (">>", &["<<", ">>>", "left"]),
    (">>>", &[">>", "left"]),
    ("in", &["not in"]),
    ("instanceof", &["not instanceof"]),
];

/// Operators that only replace others.
pub(super) const REPLACEMENTS: &[&str] =
    &["left", "right", "-right", "floor/", "<-1", ">+1", "not in", "not instanceof"];

/// Methods, and those that could be mistaken for them. `valueOf` gives what it is called on: the step
/// left out.
pub(super) fn other_methods(name: &str) -> &'static [&'static str] {
    match name {
        "toUpperCase" | "toLocaleUpperCase" => &["toLowerCase", "valueOf"],
        "toLowerCase" | "toLocaleLowerCase" => &["toUpperCase", "valueOf"],
        "indexOf" => &["lastIndexOf"],
        "lastIndexOf" => &["indexOf"],
        "push" => &["unshift"],
        "unshift" => &["push"],
        "pop" => &["shift"],
        "shift" => &["pop"],
        "some" => &["every"],
        "every" => &["some"],
        "startsWith" => &["endsWith", "includes"],
        "endsWith" => &["startsWith", "includes"],
        "trimStart" => &["trimEnd", "trim", "valueOf"],
        "trimEnd" => &["trimStart", "trim", "valueOf"],
        "padStart" => &["padEnd", "valueOf"],
        "padEnd" => &["padStart", "valueOf"],
        "find" => &["findLast"],
        "findIndex" => &["findLastIndex"],
        "replaceAll" => &["replace", "valueOf"],
        "reduce" => &["reduceRight"],
        "reduceRight" => &["reduce"],
        "sort" | "reverse" | "trim" | "slice" | "substring" | "filter" | "replace" | "flat"
        | "concat" | "repeat" => &["valueOf"],
        "map" => &["filter", "valueOf"],
        _ => &[],
    }
}

/// Functions of `Math`, and those that could be mistaken for them. `Math.max` of one number is that
/// number: the step left out.
pub(super) fn other_math(name: &str) -> &'static [&'static str] {
    match name {
        "min" | "abs" | "sqrt" | "sign" => &["max"],
        "max" => &["min"],
        "floor" => &["ceil", "round", "max"],
        "ceil" | "round" | "trunc" => &["floor", "max"],
        _ => &[],
    }
}
