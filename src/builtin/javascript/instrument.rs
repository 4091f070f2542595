//! The source with probes and mutants in it.
//!
//! The text is copied from left to right; what is added stands before and behind the copied parts, and
//! every part is copied once (the target of an assignment excepted), so the result stays proportional to
//! the source. Each addition keeps the meaning of the code:
//!
//! - An operator becomes a call of the probe with both operands, in their order, in the same function:
//!   `this`, `await`, `yield` and `arguments` mean what they meant. Where an operand may not be evaluated
//!   (`&&`, `||`, `??`) it becomes a conditional expression.
//! - A statement gets a probe before it, which also ends an expression before that relies on a line
//!   break, so that the parentheses that expressions get can't turn it into a call. Directives stay first.
//! - A body without braces gets them. Functions and classes keep their place and so their inferred names.
//! - `import` and `export` are spelled with `require`: the text becomes the body of a function.

use serde::Serialize;
use tree_sitter::Node;

use super::mutants::{MUTANTS_MAX, Mutant, OPERATORS, REPLACEMENTS, other_math, other_methods};
use super::reading::{FUNCTIONS, Kind, Target};
use super::{DEPTH_MAX, reading};
use crate::languages::syntax::{children, line_of, text_of, walk};

/// What came of instrumenting a source.
pub(super) struct Instrumented {
    pub(super) text: String,
    pub(super) probe: String,
    pub(super) points: Vec<Point>,
    pub(super) branches: usize,
    pub(super) mutants: Vec<Mutant>,
}

/// A place that the probe is told of when it is passed: a statement, or the start of a function.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Point {
    /// The line in the source.
    pub(super) line: u32,
    /// Whether it runs when the module is loaded.
    pub(super) module: bool,
}

/// Operators by number, and the numbers that replace each.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Alternatives {
    names: Vec<&'static str>,
    replacements: Vec<Vec<usize>>,
}

/// The operators as the instrumented source numbers them.
pub(super) fn alternatives() -> Alternatives {
    let names: Vec<_> =
        OPERATORS.iter().map(|(name, _)| *name).chain(REPLACEMENTS.iter().copied()).collect();
    let number = |name: &str| {
        names.iter().position(|known| *known == name).expect("a replacement is an operator")
    };
    let replacements = OPERATORS
        .iter()
        .map(|(_, others)| others.iter().map(|one| number(one)).collect())
        .collect();
    Alternatives { names, replacements }
}

/// Instruments a source that parsed without an error.
pub(super) fn instrument(root: Node<'_>, source: &str, targets: &[Target]) -> Instrumented {
    let mut probe = "$t".to_owned();
    while source.contains(&probe) {
        probe.push('t');
    }
    let mut writer = Writer {
        source,
        probe,
        out: String::with_capacity(source.len() * 4),
        points: Vec::new(),
        branches: 0,
        mutants: Vec::new(),
        point: None,
        functions: 0,
        scopes: Scope::all(root, source),
    };
    if reading::is_module(root) {
        writer.out.push_str("\"use strict\";");
    }
    writer.list(root, 0, None);
    writer.out.push_str("\n;return{calls:{");
    for target in targets {
        let (name, access) = (quoted(&target.name), &target.access);
        let new = if matches!(target.kind, Kind::Class { .. }) { "new " } else { "" };
        writer.out.push_str(&format!("{name}:(...a)=>{new}{access}(...a),"));
    }
    writer.out.push_str("},scope:{");
    for target in targets {
        let (name, access) = (quoted(&target.name), &target.access);
        writer.out.push_str(&format!("get {name}(){{return {access}}},"));
    }
    writer.out.push_str("}};");
    Instrumented {
        text: writer.out,
        probe: writer.probe,
        points: writer.points,
        branches: writer.branches,
        mutants: writer.mutants,
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON")
}

/// A name and where it can be used.
struct Scope<'t> {
    name: &'t str,
    from: usize,
    to: usize,
    /// The function it belongs to, by where that begins.
    function: usize,
}

impl<'t> Scope<'t> {
    fn all(root: Node<'t>, source: &'t str) -> Vec<Self> {
        let mut found = Vec::new();
        walk(root, (usize::MAX, root.end_byte()), |node, (function, block_end)| {
            let kind = node.kind();
            let plain = |node: Node<'t>, field: &str| {
                node.child_by_field_name(field).filter(|name| name.kind() == "identifier")
            };
            let mut add = |name: Node<'t>, from: usize, to: usize, function: usize| {
                found.push(Scope { name: text_of(name, source), from, to, function });
            };
            if FUNCTIONS.contains(&kind) {
                let inner = (node.start_byte(), node.end_byte());
                for name in reading::parameters(node).into_iter().filter_map(reading::plain_name) {
                    add(name, name.end_byte(), inner.1, inner.0);
                }
                return Some(inner);
            }
            match kind {
                "statement_block" | "for_statement" | "for_in_statement" => {
                    if let Some(name) = plain(node, "left").filter(|_| kind == "for_in_statement") {
                        add(name, name.end_byte(), node.end_byte(), function);
                    }
                    return Some((function, node.end_byte()));
                }
                "variable_declarator" => {
                    let holds_function = node
                        .child_by_field_name("value")
                        .is_some_and(|value| FUNCTIONS.contains(&value.kind()));
                    if let Some(name) = plain(node, "name").filter(|_| !holds_function) {
                        add(name, node.end_byte(), block_end, function);
                    }
                }
                _ => {}
            }
            Some((function, block_end))
        });
        found
    }
}

struct Writer<'t> {
    source: &'t str,
    probe: String,
    out: String,
    points: Vec<Point>,
    branches: usize,
    mutants: Vec<Mutant>,
    /// The last point before what is being written.
    point: Option<usize>,
    /// How many functions it is inside of.
    functions: usize,
    scopes: Vec<Scope<'t>>,
}

impl<'t> Writer<'t> {
    fn text(&self, node: Node<'_>) -> &'t str {
        text_of(node, self.source)
    }

    fn copy(&mut self, from: usize, to: usize) {
        self.out.push_str(self.source.get(from..to).unwrap_or_default());
    }

    /// Takes numbers for some mutants of this place; `None` when there are enough.
    fn mutants(&mut self, count: usize) -> Option<usize> {
        if self.mutants.len() + count > MUTANTS_MAX {
            return None;
        }
        let first = self.mutants.len() + 1;
        let point = self.point;
        self.mutants.extend((first..first + count).map(|id| Mutant { id, point }));
        Some(first)
    }

    fn call(&mut self, method: &str) {
        self.out.push_str(&self.probe);
        self.out.push('.');
        self.out.push_str(method);
        self.out.push('(');
    }

    /// `probe.m===id`
    fn when(&mut self, id: usize) {
        self.out.push_str(&format!("{}.m==={id}", self.probe));
    }

    fn point(&mut self, line: u32) {
        let id = self.points.len();
        self.points.push(Point { line, module: self.functions == 0 });
        self.point = Some(id);
        self.call("l");
        self.out.push_str(&format!("{id})"));
    }

    /// A node with all that is in it.
    fn node(&mut self, node: Node<'t>, depth: usize) {
        if depth > DEPTH_MAX || node.child_count() == 0 && !is_leaf_of_interest(node.kind()) {
            self.copy(node.start_byte(), node.end_byte());
            return;
        }
        let depth = depth + 1;
        match node.kind() {
            "statement_block" | "switch_case" | "switch_default" => self.list(node, depth, None),
            "if_statement" => self.conditional(node, depth, 2),
            "while_statement" | "do_statement" => self.conditional(node, depth, 1),
            "for_statement" => self.for_statement(node, depth),
            "for_in_statement" | "with_statement" => self.with_body(node, depth),
            "ternary_expression" => self.ternary(node, depth),
            "binary_expression" => self.binary(node, depth),
            "augmented_assignment_expression" => self.augmented(node, depth),
            "unary_expression" => self.unary(node, depth),
            "update_expression" => self.update(node),
            "return_statement" => self.returning(node, depth),
            "throw_statement" => self.throwing(node, depth),
            "call_expression" => self.calling(node, depth),
            "number" => self.number(node),
            "string" => self.string(node),
            "true" | "false" => self.boolean(node),
            "identifier" => self.identifier(node),
            "import_statement" => self.import(node),
            "export_statement" => self.export(node, depth),
            kind if FUNCTIONS.contains(&kind) => self.function(node, depth),
            _ => self.children(node, depth),
        }
    }

    /// An expression as the last argument of a call.
    fn argument(&mut self, node: Node<'t>, depth: usize) {
        let is_sequence = node.kind() == "sequence_expression";
        self.out.push_str(if is_sequence { "(" } else { "" });
        self.node(node, depth);
        self.out.push_str(if is_sequence { ")" } else { "" });
    }

    /// A node whose parts are written one after the other.
    fn children(&mut self, node: Node<'t>, depth: usize) {
        let mut at = node.start_byte();
        for child in children(node) {
            self.copy(at, child.start_byte());
            self.node(child, depth);
            at = child.end_byte();
        }
        self.copy(at, node.end_byte());
    }

    /// A list of statements. `entry` is the line of the function that begins with it.
    fn list(&mut self, node: Node<'t>, depth: usize, entry: Option<u32>) {
        let outer = self.point;
        let mut at = node.start_byte();
        let mut entry = entry;
        let mut directives = node.kind() == "program" || entry.is_some();
        for child in children(node) {
            self.copy(at, child.start_byte());
            at = child.end_byte();
            if child.kind() == "hash_bang_line" {
                continue;
            }
            if directives && is_directive(child) {
                self.copy(child.start_byte(), child.end_byte());
                continue;
            }
            let opens = matches!(child.kind(), "{" | "comment" | "html_comment");
            if !opens {
                directives = false;
                if let Some(line) = entry.take() {
                    self.out.push(';');
                    self.point(line);
                    self.out.push(';');
                }
            }
            if is_statement(child.kind()) {
                self.statement(child, depth);
            } else {
                self.node(child, depth);
            }
        }
        self.copy(at, node.end_byte());
        self.point = outer;
    }

    /// A statement of a list, or a body that got braces.
    fn statement(&mut self, node: Node<'t>, depth: usize) {
        self.point(line_of(node));
        self.out.push(';');
        let id = if is_droppable(node) { self.mutants(1) } else { None };
        if let Some(id) = id {
            self.out.push_str("if(!(");
            self.when(id);
            self.out.push_str(")){");
        }
        self.node(node, depth);
        if id.is_some() {
            self.out.push('}');
        }
    }

    /// The body of a loop or a branch.
    fn body(&mut self, node: Node<'t>, depth: usize, loops: bool) {
        let outer = self.point;
        let is_block = node.kind() == "statement_block";
        if loops {
            self.out.push('{');
            self.call("s");
            self.out.push_str(");");
        } else if !is_block {
            self.out.push('{');
        }
        if is_block {
            self.node(node, depth);
        } else if is_statement(node.kind()) {
            self.statement(node, depth);
        } else {
            self.node(node, depth);
        }
        if loops || !is_block {
            self.out.push('}');
        }
        self.point = outer;
    }

    /// An expression whose truth decides. `constants` is how many constants replace it: false, and true.
    fn condition(&mut self, node: Node<'t>, depth: usize, constants: usize) {
        if matches!(node.kind(), "true" | "false" | "number") {
            self.copy(node.start_byte(), node.end_byte());
            return;
        }
        let branch = self.branches;
        self.branches += 1;
        let id = self.mutants(constants).unwrap_or(0);
        self.call("b");
        self.out.push_str(&format!("{branch},{id},{constants},"));
        self.argument(node, depth);
        self.out.push(')');
    }

    /// `if`, `while`, `do`.
    fn conditional(&mut self, node: Node<'t>, depth: usize, constants: usize) {
        let loops = node.kind() != "if_statement";
        let mut at = node.start_byte();
        let (condition, body) = (
            node.child_by_field_name("condition"),
            node.child_by_field_name(if loops { "body" } else { "consequence" }),
        );
        for child in children(node) {
            self.copy(at, child.start_byte());
            at = child.end_byte();
            if Some(child) == condition {
                self.out.push('(');
                if let Some(inner) = inside(child) {
                    self.condition(inner, depth, constants);
                }
                self.out.push(')');
            } else if Some(child) == body {
                self.body(child, depth, loops);
            } else if child.kind() == "else_clause" {
                self.out.push_str(" else ");
                if let Some(inner) =
                    children(child).filter(|one| one.is_named() && !one.is_extra()).last()
                {
                    if inner.kind() == "if_statement" {
                        self.node(inner, depth);
                    } else {
                        self.body(inner, depth, false);
                    }
                }
            } else {
                self.node(child, depth);
            }
        }
        self.copy(at, node.end_byte());
    }

    fn for_statement(&mut self, node: Node<'t>, depth: usize) {
        let condition = node.child_by_field_name("condition");
        let body = node.child_by_field_name("body");
        let mut at = node.start_byte();
        for child in children(node) {
            self.copy(at, child.start_byte());
            at = child.end_byte();
            if Some(child) == condition && child.kind() == "expression_statement" {
                if let Some(inner) = inside(child) {
                    self.condition(inner, depth, 1);
                }
                self.out.push(';');
            } else if Some(child) == condition && child.kind() != "empty_statement" {
                self.condition(child, depth, 1);
            } else if Some(child) == body {
                self.body(child, depth, true);
            } else {
                self.node(child, depth);
            }
        }
    }

    fn with_body(&mut self, node: Node<'t>, depth: usize) {
        let body = node.child_by_field_name("body");
        let left = node.child_by_field_name("left");
        let mut at = node.start_byte();
        for child in children(node) {
            self.copy(at, child.start_byte());
            at = child.end_byte();
            if Some(child) == body {
                self.body(child, depth, node.kind() == "for_in_statement");
            } else if Some(child) == left {
                self.copy(child.start_byte(), child.end_byte());
            } else {
                self.node(child, depth);
            }
        }
    }

    fn ternary(&mut self, node: Node<'t>, depth: usize) {
        let condition = node.child_by_field_name("condition");
        let mut at = node.start_byte();
        for child in children(node) {
            self.copy(at, child.start_byte());
            at = child.end_byte();
            if Some(child) == condition {
                self.condition(child, depth, 2);
            } else {
                self.node(child, depth);
            }
        }
    }

    fn binary(&mut self, node: Node<'t>, depth: usize) {
        let Some((left, operator, right)) = operation(node) else {
            return self.children(node, depth);
        };
        let name = self.text(operator);
        let logical = match name {
            "&&" => Some("A"),
            "||" => Some("O"),
            "??" => Some("N"),
            _ => None,
        };
        if let Some(method) = logical {
            let branch = self.branches;
            self.branches += 1;
            let id = self.mutants(3).unwrap_or(0);
            self.out.push('(');
            self.call(method);
            self.out.push_str(&format!("{branch},{id},"));
            self.node(left, depth);
            self.out.push_str(")?");
            self.node(right, depth);
            self.out.push_str(&format!(":{}.p)", self.probe));
            return;
        }
        let is_private = left.kind() == "private_property_identifier";
        let (Some(number), false) = (operator_number(name), is_private) else {
            return self.children(node, depth);
        };
        self.apply(number, |this| this.node(left, depth), right, depth);
    }

    /// The call that stands for an operator and knows its mutants.
    fn apply(
        &mut self,
        number: usize,
        write_left: impl FnOnce(&mut Self),
        right: Node<'t>,
        depth: usize,
    ) {
        let id = self.mutants(OPERATORS[number].1.len()).unwrap_or(0);
        self.call(&format!("o{number}"));
        self.out.push_str(&format!("{id},"));
        write_left(self);
        self.out.push(',');
        self.node(right, depth);
        self.out.push(')');
    }

    /// `x += y` becomes `x = x + y` where evaluating `x` twice makes no difference.
    fn augmented(&mut self, node: Node<'t>, depth: usize) {
        let Some((left, operator, right)) = operation(node) else {
            return self.children(node, depth);
        };
        let name = self.text(operator).trim_end_matches('=');
        let (Some(number), true) = (operator_number(name), is_simple_place(left)) else {
            return self.children(node, depth);
        };
        let (start, end) = (left.start_byte(), left.end_byte());
        self.copy(start, end);
        self.out.push('=');
        self.apply(number, |this| this.copy(start, end), right, depth);
    }

    fn unary(&mut self, node: Node<'t>, depth: usize) {
        let operator = node.child_by_field_name("operator").map_or("", |one| self.text(one));
        let argument = node.child_by_field_name("argument");
        let (true, Some(argument)) = (matches!(operator, "!" | "-"), argument) else {
            // The operand of `typeof` may be a name that nothing declares, that of `delete` is a place.
            if let ("typeof" | "delete", Some("identifier")) =
                (operator, argument.map(|one| one.kind()))
            {
                return self.copy(node.start_byte(), node.end_byte());
            }
            return self.children(node, depth);
        };
        let Some(id) = self.mutants(1) else { return self.children(node, depth) };
        self.call(if operator == "!" { "n" } else { "g" });
        self.out.push_str(&format!("{id},"));
        self.node(argument, depth);
        self.out.push(')');
    }

    fn update(&mut self, node: Node<'t>) {
        let fields = (node.child_by_field_name("argument"), node.child_by_field_name("operator"));
        let (Some(argument), Some(operator)) = fields else { return };
        let whole = (node.start_byte(), node.end_byte());
        let changes_loop = node.parent().is_some_and(|parent| parent.kind() == "for_statement");
        let (true, false, Some(id)) = (is_simple_place(argument), changes_loop, self.mutants(1))
        else {
            return self.copy(whole.0, whole.1);
        };
        let place = self.text(argument);
        let opposite = if self.text(operator) == "++" { "--" } else { "++" };
        self.out.push('(');
        self.when(id);
        if argument.start_byte() == node.start_byte() {
            self.out.push_str(&format!("?{place}{opposite}:"));
        } else {
            self.out.push_str(&format!("?{opposite}{place}:"));
        }
        self.copy(whole.0, whole.1);
        self.out.push(')');
    }

    fn returning(&mut self, node: Node<'t>, depth: usize) {
        let value = children(node).find(|child| child.is_named() && !child.is_extra());
        let Some(value) = value else { return self.children(node, depth) };
        let mut at = node.start_byte();
        for child in children(node) {
            self.copy(at, child.start_byte());
            at = child.end_byte();
            if child == value {
                self.returned(child, depth);
            } else {
                self.node(child, depth);
            }
        }
        self.copy(at, node.end_byte());
    }

    /// The value that a function gives.
    fn returned(&mut self, value: Node<'t>, depth: usize) {
        let changes_elsewhere = matches!(value.kind(), "number" | "string" | "true" | "false")
            || FUNCTIONS.contains(&value.kind());
        match if changes_elsewhere { None } else { self.mutants(1) } {
            Some(id) => {
                self.call("r");
                self.out.push_str(&format!("{id},"));
                self.argument(value, depth);
                self.out.push(')');
            }
            None => self.node(value, depth),
        }
    }

    /// What the code throws on purpose is marked, to be told from what just happens.
    fn throwing(&mut self, node: Node<'t>, depth: usize) {
        let value = children(node).find(|child| child.is_named() && !child.is_extra());
        let Some(value) = value else { return self.children(node, depth) };
        self.out.push_str("throw ");
        self.call("t");
        self.argument(value, depth);
        self.out.push_str(");");
    }

    fn calling(&mut self, node: Node<'t>, depth: usize) {
        let fields = (node.child_by_field_name("function"), node.child_by_field_name("arguments"));
        let (Some(function), Some(arguments)) = fields else { return self.children(node, depth) };
        if function.kind() == "import" || self.text(function) == "require" {
            return self.copy(node.start_byte(), node.end_byte());
        }
        let replaced = self.replaced_method(node, function);
        let Some((object, name, others)) = replaced else { return self.children(node, depth) };
        let Some(first) = self.mutants(others.len()) else { return self.children(node, depth) };
        self.node(object, depth);
        self.out.push('[');
        for (i, other) in others.iter().enumerate() {
            self.when(first + i);
            self.out.push_str(&format!("?\"{other}\":"));
        }
        self.out.push_str(&format!("\"{name}\"]"));
        self.node(arguments, depth);
    }

    /// The object, the method and its replacements, for a plain call of a method that has some.
    fn replaced_method(
        &self,
        node: Node<'t>,
        function: Node<'t>,
    ) -> Option<(Node<'t>, &'t str, &'static [&'static str])> {
        let is_optional =
            |node: Node<'t>| children(node).any(|child| child.kind() == "optional_chain");
        if function.kind() != "member_expression" || is_optional(function) || is_optional(node) {
            return None;
        }
        let object = function.child_by_field_name("object")?;
        let property = function.child_by_field_name("property")?;
        if property.kind() != "property_identifier" || object.kind() == "super" {
            return None;
        }
        let name = self.text(property);
        let others =
            if self.text(object) == "Math" { other_math(name) } else { other_methods(name) };
        (!others.is_empty()).then_some((object, name, others))
    }

    fn number(&mut self, node: Node<'t>) {
        let text = self.text(node);
        let is_key = node.parent().is_some_and(|parent| {
            parent.child_by_field_name("key") == Some(node) || is_name_of(parent, node)
        });
        let value = number_value(text).filter(|value| value.abs() < 9e15 && !is_key);
        let Some((value, first)) = value.and_then(|value| Some((value, self.mutants(2)?))) else {
            return self.out.push_str(text);
        };
        let step = if value.fract() == 0.0 { 1.0 } else { 0.1 };
        self.out.push('(');
        self.when(first);
        self.out.push_str(&format!("?{}:", value + step));
        self.when(first + 1);
        self.out.push_str(&format!("?{}:{text})", value - step));
    }

    fn string(&mut self, node: Node<'t>) {
        let text = self.text(node);
        let is_value = node.parent().is_some_and(|parent| {
            !matches!(
                parent.kind(),
                "import_specifier"
                    | "export_specifier"
                    | "import_attribute"
                    | "jsx_attribute"
                    | "jsx_opening_element"
            ) && parent.child_by_field_name("key") != Some(node)
                && parent.child_by_field_name("source") != Some(node)
                && !is_name_of(parent, node)
        });
        let Some(id) = is_value.then(|| self.mutants(1)).flatten() else {
            return self.out.push_str(text);
        };
        self.out.push('(');
        self.when(id);
        let other = if text.len() > 2 { "\"\"" } else { "\"mutant\"" };
        self.out.push_str(&format!("?{other}:{text})"));
    }

    fn boolean(&mut self, node: Node<'t>) {
        let text = self.text(node);
        let Some(id) = self.mutants(1) else { return self.out.push_str(text) };
        self.out.push('(');
        self.when(id);
        let other = if text == "true" { "false" } else { "true" };
        self.out.push_str(&format!("?{other}:{text})"));
    }

    /// A variable where another one could have been meant.
    fn identifier(&mut self, node: Node<'t>) {
        let name = self.text(node);
        let others = if stands_for_value(node) { self.other_names(node, name) } else { Vec::new() };
        let Some(first) = (!others.is_empty()).then(|| self.mutants(others.len())).flatten() else {
            return self.out.push_str(name);
        };
        self.out.push('(');
        for (i, other) in others.iter().enumerate() {
            self.when(first + i);
            self.out.push_str(&format!("?{other}:"));
        }
        self.out.push_str(name);
        self.out.push(')');
    }

    /// The nearest two other variables of the same function.
    fn other_names(&self, node: Node<'t>, name: &str) -> Vec<&'t str> {
        let at = node.start_byte();
        let visible = |scope: &&Scope<'t>| scope.from <= at && at < scope.to;
        let Some(own) = self.scopes.iter().filter(visible).rfind(|scope| scope.name == name) else {
            return Vec::new();
        };
        let mut names: Vec<&'t str> = Vec::new();
        for scope in self.scopes.iter().filter(visible).rev() {
            if scope.function == own.function && scope.name != name && !names.contains(&scope.name)
            {
                names.push(scope.name);
            }
        }
        names.truncate(2);
        names
    }

    fn function(&mut self, node: Node<'t>, depth: usize) {
        let outer = self.point;
        let body = node.child_by_field_name("body");
        self.functions += 1;
        self.point = Some(self.points.len());
        let mut at = node.start_byte();
        for child in children(node) {
            self.copy(at, child.start_byte());
            at = child.end_byte();
            if Some(child) != body {
                if child.kind() == "formal_parameters" {
                    self.node(child, depth);
                } else {
                    self.copy(child.start_byte(), child.end_byte());
                }
            } else if child.kind() == "statement_block" {
                self.list(child, depth, Some(line_of(node)));
            } else {
                self.out.push('(');
                self.point(line_of(child));
                self.out.push(',');
                self.returned(child, depth);
                self.out.push(')');
            }
        }
        self.functions -= 1;
        self.point = outer;
    }

    /// Only Node's own modules can be imported here, and they are their own default.
    fn import(&mut self, node: Node<'t>) {
        let Some(source) = node.child_by_field_name("source") else { return };
        let source = format!("require({})", self.text(source));
        let clause = children(node).find(|child| child.kind() == "import_clause");
        let Some(clause) = clause else { return self.out.push_str(&format!("{source};")) };
        for part in children(clause).filter(Node::is_named) {
            match part.kind() {
                "identifier" => {
                    let name = self.text(part);
                    self.out.push_str(&format!("const {name}={source};"));
                }
                "namespace_import" => {
                    let name = children(part).find(|child| child.kind() == "identifier");
                    if let Some(name) = name.map(|name| self.text(name)) {
                        self.out.push_str(&format!("const {name}={source};"));
                    }
                }
                "named_imports" => {
                    for one in children(part).filter(|one| one.kind() == "import_specifier") {
                        let name =
                            one.child_by_field_name("name").map_or("", |name| self.text(name));
                        let local =
                            one.child_by_field_name("alias").map_or(name, |name| self.text(name));
                        let value = if name == "default" {
                            source.clone()
                        } else {
                            format!("{source}[\"{name}\"]")
                        };
                        self.out.push_str(&format!("const {local}={value};"));
                    }
                }
                _ => {}
            }
        }
    }

    fn export(&mut self, node: Node<'t>, depth: usize) {
        if let Some(declaration) = node.child_by_field_name("declaration") {
            self.node(declaration, depth);
        } else if let Some(value) = node.child_by_field_name("value") {
            // An expression with nothing to refer to it by.
            self.out.push_str("void(");
            self.node(value, depth);
            self.out.push_str(");");
        }
    }
}

fn is_leaf_of_interest(kind: &str) -> bool {
    matches!(kind, "identifier" | "number" | "true" | "false" | "string")
}

/// The expression in parentheses, or in a statement.
fn inside(node: Node<'_>) -> Option<Node<'_>> {
    children(node).find(|child| child.is_named() && !child.is_extra())
}

fn is_directive(node: Node<'_>) -> bool {
    node.kind() == "expression_statement"
        && inside(node).is_some_and(|inner| inner.kind() == "string")
}

fn is_statement(kind: &str) -> bool {
    matches!(
        kind,
        "expression_statement"
            | "variable_declaration"
            | "lexical_declaration"
            | "class_declaration"
            | "if_statement"
            | "for_statement"
            | "for_in_statement"
            | "while_statement"
            | "do_statement"
            | "return_statement"
            | "throw_statement"
            | "break_statement"
            | "continue_statement"
            | "switch_statement"
            | "try_statement"
            | "labeled_statement"
            | "debugger_statement"
            | "statement_block"
            | "with_statement"
    )
}

/// A statement that can be left out. The last `return` of a function is changed by its value.
fn is_droppable(node: Node<'_>) -> bool {
    match node.kind() {
        "expression_statement" | "break_statement" | "continue_statement" | "throw_statement" => {
            true
        }
        "return_statement" => {
            let block = node.parent();
            let owner = block.and_then(|block| block.parent());
            !owner.is_some_and(|owner| FUNCTIONS.contains(&owner.kind()))
        }
        _ => false,
    }
}

/// What stands left of an operator, the operator, and what stands right of it.
fn operation(node: Node<'_>) -> Option<(Node<'_>, Node<'_>, Node<'_>)> {
    let field = |name| node.child_by_field_name(name);
    Some((field("left")?, field("operator")?, field("right")?))
}

fn operator_number(name: &str) -> Option<usize> {
    OPERATORS.iter().position(|(known, _)| *known == name)
}

/// What can be evaluated twice: a name, or a property of one by a name.
fn is_simple_place(node: Node<'_>) -> bool {
    let is_name = |node: Option<Node<'_>>| {
        node.is_some_and(|node| {
            matches!(
                node.kind(),
                "identifier"
                    | "this"
                    | "number"
                    | "property_identifier"
                    | "private_property_identifier"
            )
        })
    };
    match node.kind() {
        "identifier" => true,
        "member_expression" => {
            let object = node.child_by_field_name("object");
            is_name(object)
                || object.is_some_and(|object| {
                    object.kind() == "member_expression" && is_simple_place(object)
                })
        }
        "subscript_expression" => {
            is_name(node.child_by_field_name("object"))
                && is_name(node.child_by_field_name("index"))
        }
        _ => false,
    }
}

/// Whether `node` is the name of a member rather than a value.
fn is_name_of(parent: Node<'_>, node: Node<'_>) -> bool {
    matches!(parent.kind(), "method_definition" | "field_definition" | "computed_property_name")
        && (parent.child_by_field_name("name") == Some(node)
            || parent.child_by_field_name("property") == Some(node))
}

/// Whether a name stands where its value is used as an operand.
fn stands_for_value(node: Node<'_>) -> bool {
    let Some(parent) = node.parent() else { return false };
    match parent.kind() {
        "binary_expression" | "arguments" | "return_statement" | "array" => true,
        "subscript_expression" => parent.child_by_field_name("index") == Some(node),
        "assignment_expression" | "augmented_assignment_expression" => {
            parent.child_by_field_name("right") == Some(node)
        }
        "variable_declarator" => parent.child_by_field_name("value") == Some(node),
        _ => false,
    }
}

/// The value of a number literal; `None` for one of a `BigInt`.
pub(super) fn number_value(text: &str) -> Option<f64> {
    let plain = text.replace('_', "");
    let lower = plain.to_ascii_lowercase();
    if lower.ends_with('n') {
        return None;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            #[expect(
                clippy::cast_precision_loss,
                reason = "mutants of larger numbers may be off by more than one"
            )]
            return u64::from_str_radix(digits, radix).ok().map(|value| value as f64);
        }
    }
    if lower.len() > 1 && lower.starts_with('0') && lower.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    lower.parse().ok()
}
