//! What there is to test and what the source says about it: targets with their parameters, literals,
//! examples in comments.

use serde::Serialize;
use tree_sitter::Node;

use super::instrument::number_value;
use super::shapes::{self, Shape};
use crate::languages::syntax::{children, line_of, text_of, walk};

/// Nodes that are functions, and have a body of their own.
pub(super) const FUNCTIONS: &[&str] = &[
    "function_declaration",
    "generator_function_declaration",
    "function_expression",
    "generator_function",
    "arrow_function",
    "method_definition",
];

/// The most literals and examples that are taken from one source.
const LITERALS_MAX: usize = 120;
/// The longest literal or example that makes an input.
const TEXT_MAX: usize = 200;

/// A function or a class to test.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Target {
    /// What people call it.
    pub(super) name: String,
    /// The expression that gives it, in the scope of the file.
    pub(super) access: String,
    pub(super) line: u32,
    #[serde(flatten)]
    pub(super) kind: Kind,
}

/// What a target is.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Kind {
    Function { parameters: Vec<Parameter> },
    Class { parent: Option<String>, parameters: Vec<Parameter>, members: Vec<Member> },
}

/// A method, getter or setter of a class that is not private by its name.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Member {
    pub(super) name: String,
    /// `method`, `get` or `set`.
    pub(super) kind: &'static str,
    pub(super) parameters: Vec<Parameter>,
}

/// A parameter, and what its use says about its type.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) rest: bool,
    /// Its default, as it is spelled.
    pub(super) default: Option<String>,
    pub(super) shape: Shape,
}

/// Literals of the source: raw material for inputs.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Literals {
    numbers: Vec<f64>,
    strings: Vec<String>,
    /// Sources of regular expressions.
    patterns: Vec<String>,
    /// Arrays and objects in comments, as they are spelled.
    documented: Vec<String>,
}

/// A call in a comment.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Example {
    /// The name that is called.
    callee: String,
    /// Its arguments, as they are spelled.
    arguments: String,
}

/// Whether a file is an ES module.
pub(super) fn is_module(root: Node<'_>) -> bool {
    children(root).any(|node| matches!(node.kind(), "import_statement" | "export_statement"))
}

/// What tests can reach: what the file exports, or all it declares where it exports nothing.
pub(super) fn targets(root: Node<'_>, source: &str) -> Vec<Target> {
    let mut found = Vec::new();
    for node in children(root) {
        let declared = match node.kind() {
            "export_statement" => node.child_by_field_name("declaration"),
            _ => Some(node),
        };
        if let Some(declared) = declared {
            declarations(declared, source, &mut found);
        }
        exported_values(node, source, &mut found);
    }
    let exported = exports(root, source);
    let is_exported = |target: &Target| {
        let holder = target.name.split('.').next().unwrap_or_default();
        exported.iter().any(|name| *name == target.name || name == holder)
    };
    if found.iter().any(is_exported) {
        found.retain(is_exported);
    }
    let mut seen = Vec::new();
    found.retain(|target: &Target| {
        let is_new = !seen.contains(&target.name);
        seen.push(target.name.clone());
        is_new
    });
    let functions = shapes::learn(root, source);
    for target in &mut found {
        match &mut target.kind {
            Kind::Function { parameters } => functions.apply(&target.name, parameters),
            Kind::Class { parameters, members, .. } => {
                functions.apply(&format!("{}.constructor", target.name), parameters);
                for member in members {
                    functions
                        .apply(&format!("{}.{}", target.name, member.name), &mut member.parameters);
                }
            }
        }
    }
    found
}

fn declarations(node: Node<'_>, source: &str, found: &mut Vec<Target>) {
    let mut add = |name: &str, access: &str, node: Node<'_>, value: Node<'_>| {
        if let Some(kind) = kind_of(value, source) {
            let (name, access) = (name.to_owned(), access.to_owned());
            found.push(Target { name, access, line: line_of(node), kind });
        }
        // Static methods are functions that happen to live in a class.
        let body = value.child_by_field_name("body").filter(|body| body.kind() == "class_body");
        for method in body.into_iter().flat_map(children).filter(|one| is_static_method(*one)) {
            let method_name = name_of(method, source);
            if method_name.starts_with(['_', '#', '[']) {
                continue;
            }
            if let Some(kind) = kind_of(method, source) {
                let access = format!("{access}.{method_name}");
                found.push(Target { name: access.clone(), access, line: line_of(method), kind });
            }
        }
    };
    match node.kind() {
        "function_declaration" | "generator_function_declaration" | "class_declaration" => {
            if let Some(name) = node.child_by_field_name("name").map(|name| text_of(name, source)) {
                add(name, name, node, node);
            }
        }
        "lexical_declaration" | "variable_declaration" => {
            for one in children(node).filter(|one| one.kind() == "variable_declarator") {
                let fields = (one.child_by_field_name("name"), one.child_by_field_name("value"));
                let (Some(name), Some(value)) = fields else { continue };
                let name = text_of(name, source);
                add(name, name, one, value);
                // An object of functions is a module by another name.
                for pair in children(value).filter(|_| value.kind() == "object") {
                    let key = pair
                        .child_by_field_name(if pair.kind() == "pair" { "key" } else { "name" })
                        .filter(|key| key.kind() == "property_identifier");
                    let value = if pair.kind() == "pair" {
                        pair.child_by_field_name("value")
                    } else {
                        Some(pair)
                    };
                    if let (Some(key), Some(value)) = (key, value) {
                        let access = format!("{name}.{}", text_of(key, source));
                        add(&access, &access, pair, value);
                    }
                }
            }
        }
        _ => {}
    }
}

/// `module.exports.f = function …` and the like, which have no name in the file.
fn exported_values(node: Node<'_>, source: &str, found: &mut Vec<Target>) {
    let Some((left, right)) = assignment(node) else { return };
    let access = text_of(left, source);
    let Some(name) =
        access.strip_prefix("module.exports.").or_else(|| access.strip_prefix("exports."))
    else {
        return;
    };
    if let Some(kind) = kind_of(right, source) {
        found.push(Target {
            name: name.to_owned(),
            access: format!("module.exports.{name}"),
            line: line_of(node),
            kind,
        });
    }
}

fn assignment(node: Node<'_>) -> Option<(Node<'_>, Node<'_>)> {
    let inner = children(node).find(|child| {
        node.kind() == "expression_statement" && child.kind() == "assignment_expression"
    })?;
    Some((inner.child_by_field_name("left")?, inner.child_by_field_name("right")?))
}

/// The names in the file's scope that it exports.
fn exports(root: Node<'_>, source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut add = |text: &str| names.push(text.to_owned());
    for node in children(root) {
        if node.kind() == "export_statement" {
            let declaration =
                node.child_by_field_name("declaration").or(node.child_by_field_name("value"));
            if let Some(declaration) = declaration {
                if declaration.kind() == "identifier" {
                    add(text_of(declaration, source));
                }
                for one in std::iter::once(declaration).chain(children(declaration)) {
                    add(name_of(one, source));
                }
            }
            for clause in children(node).filter(|one| one.kind() == "export_clause") {
                for one in children(clause) {
                    add(name_of(one, source));
                }
            }
        }
        let Some((left, right)) = assignment(node) else { continue };
        let place = text_of(left, source);
        if let Some(name) =
            place.strip_prefix("module.exports.").or_else(|| place.strip_prefix("exports."))
        {
            add(name);
            if right.kind() == "identifier" {
                add(text_of(right, source));
            }
        } else if place == "module.exports" {
            let values = children(right)
                .filter(|_| right.kind() == "object")
                .map(|one| one.child_by_field_name("value").unwrap_or(one));
            for value in std::iter::once(right).chain(values) {
                if matches!(value.kind(), "identifier" | "shorthand_property_identifier") {
                    add(text_of(value, source));
                }
            }
        }
    }
    names
}

fn kind_of(node: Node<'_>, source: &str) -> Option<Kind> {
    match node.kind() {
        "class_declaration" | "class" => {
            let body = node.child_by_field_name("body")?;
            let methods = || children(body).filter(|one| one.kind() == "method_definition");
            let constructor = methods().find(|one| name_of(*one, source) == "constructor");
            let parent = children(node)
                .find(|child| child.kind() == "class_heritage")
                .and_then(|heritage| children(heritage).find(|one| one.kind() == "identifier"))
                .map(|parent| text_of(parent, source).to_owned());
            Some(Kind::Class {
                parent,
                parameters: constructor.map(|one| described(one, source)).unwrap_or_default(),
                members: methods().filter_map(|one| member(one, source)).collect(),
            })
        }
        kind if FUNCTIONS.contains(&kind) => {
            Some(Kind::Function { parameters: described(node, source) })
        }
        _ => None,
    }
}

fn name_of<'t>(node: Node<'_>, source: &'t str) -> &'t str {
    node.child_by_field_name("name").map_or("", |name| text_of(name, source))
}

fn member(node: Node<'_>, source: &str) -> Option<Member> {
    let name =
        node.child_by_field_name("name").filter(|name| name.kind() == "property_identifier")?;
    let name = text_of(name, source);
    if name == "constructor"
        || name.starts_with('_')
        || children(node).any(|child| child.kind() == "static")
    {
        return None;
    }
    let has = |word: &str| children(node).any(|child| child.kind() == word);
    let kind = if has("get") {
        "get"
    } else if has("set") {
        "set"
    } else {
        "method"
    };
    let name = name.to_owned();
    Some(Member { name, kind, parameters: described(node, source) })
}

fn is_static_method(node: Node<'_>) -> bool {
    let has = |word: &str| children(node).any(|child| child.kind() == word);
    node.kind() == "method_definition" && has("static") && !has("get") && !has("set")
}

fn described(function: Node<'_>, source: &str) -> Vec<Parameter> {
    let mut found = Vec::new();
    for (i, node) in parameters(function).into_iter().enumerate() {
        let default = (node.kind() == "assignment_pattern")
            .then(|| {
                node.child_by_field_name("right").map(|right| text_of(right, source).to_owned())
            })
            .flatten();
        let name = plain_name(node)
            .map_or_else(|| format!("value{}", i + 1), |name| text_of(name, source).to_owned());
        let rest = node.kind() == "rest_pattern";
        found.push(Parameter { name, rest, default, shape: Shape::default() });
    }
    found
}

/// The parameters of a function, as patterns.
pub(super) fn parameters(function: Node<'_>) -> Vec<Node<'_>> {
    if let Some(one) = function.child_by_field_name("parameter") {
        return vec![one];
    }
    let list = function.child_by_field_name("parameters");
    list.map(|list| children(list).filter(|one| one.is_named() && !one.is_extra()).collect())
        .unwrap_or_default()
}

/// The name that a parameter has, where it is not taken apart.
pub(super) fn plain_name(pattern: Node<'_>) -> Option<Node<'_>> {
    match pattern.kind() {
        "identifier" => Some(pattern),
        "assignment_pattern" => pattern.child_by_field_name("left").and_then(plain_name),
        "rest_pattern" => children(pattern).find(|child| child.kind() == "identifier"),
        _ => None,
    }
}

/// All literals, each once, in the order of the text.
pub(super) fn literals(root: Node<'_>, source: &str) -> Literals {
    let mut found = Literals::default();
    walk(root, (), |node, ()| {
        match node.kind() {
            "number" => {
                let value = number_value(text_of(node, source));
                if let Some(value) = value.filter(|value| !found.numbers.contains(value)) {
                    found.numbers.push(value);
                }
            }
            "string" => add(&mut found.strings, string_value(text_of(node, source))),
            "template_string" => {
                for part in children(node).filter(|part| part.kind() == "string_fragment") {
                    add(&mut found.strings, text_of(part, source).to_owned());
                }
            }
            "regex" => {
                if let Some(pattern) = node.child_by_field_name("pattern") {
                    add(&mut found.patterns, text_of(pattern, source).to_owned());
                }
            }
            // What a property is called, as it may come in an input by that name.
            "pair" => {
                if let Some(key) = node.child_by_field_name("key")
                    && key.kind() == "property_identifier"
                {
                    add(&mut found.strings, text_of(key, source).to_owned());
                }
            }
            "comment" => documented(text_of(node, source), &mut found.documented),
            "import_statement" => return None,
            _ => {}
        }
        Some(())
    });
    found.numbers.truncate(LITERALS_MAX);
    found
}

fn add(list: &mut Vec<String>, value: String) {
    if list.len() < LITERALS_MAX && value.len() <= TEXT_MAX && !list.contains(&value) {
        list.push(value);
    }
}

/// The text of a string literal, its common escapes undone.
pub(super) fn string_value(literal: &str) -> String {
    let inner = literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default();
    let mut value = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some('r') => value.push('\r'),
                Some(other) => value.push(other),
                None => {}
            },
            (plain, false) => value.push(plain),
        }
    }
    value
}

/// Arrays, objects and strings that a comment spells out.
fn documented(comment: &str, found: &mut Vec<String>) {
    for (at, opening) in
        comment.char_indices().filter(|(_, one)| matches!(one, '[' | '{' | '"' | '\''))
    {
        let before = comment[..at].chars().next_back().unwrap_or(' ');
        if !before.is_alphanumeric()
            && let Some(text) =
                balanced(&comment[at..]).filter(|text| text.len() > 1 || opening != '[')
        {
            add(found, text.to_owned());
        }
    }
}

/// Calls in comments: `f(1, [2])` in an `@example`, after `>>>` or in a sentence.
pub(super) fn examples(root: Node<'_>, source: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    walk(root, (), |node, ()| {
        if node.kind() != "comment" {
            return Some(());
        }
        let comment = text_of(node, source);
        for (at, _) in comment.match_indices('(') {
            let callee: String = comment[..at]
                .chars()
                .rev()
                .take_while(|one| one.is_alphanumeric() || matches!(one, '_' | '$' | '.'))
                .collect();
            let callee: String = callee.chars().rev().collect();
            let Some(call) = balanced(&comment[at..]) else { continue };
            let arguments = call[1..call.len() - 1].to_owned();
            let is_new =
                !found.iter().any(|one| one.callee == callee && one.arguments == arguments);
            if !callee.is_empty()
                && arguments.len() <= TEXT_MAX
                && is_new
                && found.len() < LITERALS_MAX
            {
                found.push(Example { callee, arguments });
            }
        }
        Some(())
    });
    found
}

/// The text from an opening bracket or quote to what closes it; strings in it count as one.
fn balanced(text: &str) -> Option<&str> {
    let mut open = Vec::new();
    let mut quote = None;
    let mut escaped = false;
    for (at, one) in text.char_indices() {
        if at > TEXT_MAX * 4 {
            return None;
        }
        if let Some(end) = quote {
            if escaped {
                escaped = false;
            } else if one == '\\' {
                escaped = true;
            } else if one == end {
                quote = None;
            } else if one == '\n' {
                return None;
            }
        } else {
            match one {
                '"' | '\'' | '`' => quote = Some(one),
                '(' => open.push(')'),
                '[' => open.push(']'),
                '{' => open.push('}'),
                ')' | ']' | '}' if open.pop() != Some(one) => return None,
                _ => {}
            }
        }
        if quote.is_none() && open.is_empty() {
            return Some(&text[..at + one.len_utf8()]);
        }
    }
    None
}
