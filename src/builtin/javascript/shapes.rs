//! What the use of a parameter says about its type.
//!
//! No type is decided here: each use is a vote, and the explorer tries what the votes favour. A parameter
//! is followed through aliases, elements (`x[i]`, `for … of`, callbacks of `map`), properties and calls of
//! other functions of the file.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use tree_sitter::Node;

use super::instrument::number_value;
use super::reading::{FUNCTIONS, Parameter, parameters, plain_name, string_value};
use crate::languages::syntax::{children, text_of, walk};

/// How deep elements and properties of elements and properties are followed.
const SHAPE_DEPTH: usize = 4;
/// The most keys of a table that are taken for inputs.
const TABLE_MAX: usize = 40;
/// What a declared type counts for against what the code only suggests.
const DECLARED: u32 = 20;

/// What is known of a value.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Shape {
    /// Votes: `number`, `string`, `array`, `object`, `boolean`, `function`, `map`, `set`, `date`, `regexp`,
    /// `promise`, `null`, `sequence` (a string or an array), `plus` (a number or a string), `numeric`
    /// (a number, or a text of one), `class:Name`.
    pub(super) votes: BTreeMap<String, u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) element: Option<Box<Shape>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) properties: BTreeMap<String, Shape>,
    /// Literals it is compared with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) numbers: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) strings: Vec<String>,
}

impl Shape {
    fn vote(&mut self, kind: &str, weight: u32) {
        *self.votes.entry(kind.to_owned()).or_default() += weight;
    }

    fn merge(&mut self, other: &Shape, depth: usize) {
        for (kind, weight) in &other.votes {
            self.vote(kind, *weight);
        }
        for number in &other.numbers {
            if !self.numbers.contains(number) {
                self.numbers.push(*number);
            }
        }
        for string in &other.strings {
            if !self.strings.contains(string) {
                self.strings.push(string.clone());
            }
        }
        if depth == 0 {
            return;
        }
        if let Some(element) = &other.element {
            self.element.get_or_insert_default().merge(element, depth - 1);
        }
        for (name, property) in &other.properties {
            self.properties.entry(name.clone()).or_default().merge(property, depth - 1);
        }
    }
}

/// What was learned of all functions, by their names.
pub(super) struct Learned {
    functions: HashMap<String, Vec<Shape>>,
}

impl Learned {
    /// Puts what is known of a function's parameters into them.
    pub(super) fn apply(&self, name: &str, parameters: &mut [Parameter]) {
        let Some(shapes) = self.functions.get(name) else { return };
        for (parameter, shape) in parameters.iter_mut().zip(shapes) {
            parameter.shape = shape.clone();
        }
    }
}

/// The keys of the objects that a file declares as tables.
type Tables<'t> = HashMap<&'t str, Vec<String>>;

fn tables<'t>(root: Node<'t>, source: &'t str) -> Tables<'t> {
    let mut found = Tables::new();
    walk(root, (), |node, ()| {
        let fields = (node.child_by_field_name("name"), node.child_by_field_name("value"));
        let (Some(name), Some(value)) = fields else { return Some(()) };
        if node.kind() == "variable_declarator" && value.kind() == "object" {
            let keys = children(value).filter_map(|pair| pair.child_by_field_name("key"));
            let keys = keys.filter_map(|key| match key.kind() {
                "property_identifier" => Some(text_of(key, source).to_owned()),
                "string" => Some(string_value(text_of(key, source))),
                _ => None,
            });
            found.insert(text_of(name, source), keys.take(TABLE_MAX).collect());
        }
        Some(())
    });
    found
}

/// Reads the use of all parameters in a file.
pub(super) fn learn(root: Node<'_>, source: &str) -> Learned {
    let tables = tables(root, source);
    let mut found: Vec<(String, Reader<'_, '_>)> = Vec::new();
    walk(root, "", |node, class| {
        if matches!(node.kind(), "class_declaration" | "class") {
            return Some(class_name(node, source));
        }
        if FUNCTIONS.contains(&node.kind())
            && let Some(name) = function_name(node, class, source)
        {
            found.push((name, Reader::read(node, source, &tables)));
        }
        Some(class)
    });
    let mut functions: HashMap<String, Vec<Shape>> = HashMap::new();
    for (name, reader) in &found {
        functions.entry(name.clone()).or_insert_with(|| reader.shapes.clone());
    }
    // What is handed on is what the function takes that gets it; twice, for what that hands on.
    for _ in 0..2 {
        let before = functions.clone();
        for (name, reader) in &found {
            for (path, callee, position) in &reader.handed_on {
                let taken = before.get(callee).and_then(|shapes| shapes.get(*position));
                if let (Some(taken), Some(shapes), false) =
                    (taken, functions.get_mut(name), callee == name)
                    && let Some(shape) = at(shapes, path)
                {
                    shape.merge(taken, SHAPE_DEPTH.saturating_sub(path.steps.len()));
                }
            }
        }
    }
    Learned { functions }
}

fn class_name<'t>(node: Node<'_>, source: &'t str) -> &'t str {
    let own = node.child_by_field_name("name");
    let given = node.parent().filter(|parent| parent.kind() == "variable_declarator");
    own.or_else(|| given.and_then(|parent| parent.child_by_field_name("name")))
        .map_or("", |name| text_of(name, source))
}

/// The name calls use: of a declaration, a variable, a property or a method with its class.
fn function_name(node: Node<'_>, class: &str, source: &str) -> Option<String> {
    let text = |node: Node<'_>| text_of(node, source).to_owned();
    if node.kind() == "method_definition" {
        let name = text(node.child_by_field_name("name")?);
        let object = node.parent().filter(|parent| parent.kind() == "object");
        if let Some(holder) = object.and_then(|object| object.parent()) {
            return Some(format!("{}.{name}", text(holder.child_by_field_name("name")?)));
        }
        return Some(format!("{class}.{name}"));
    }
    if let Some(name) =
        node.child_by_field_name("name").filter(|_| node.kind().ends_with("declaration"))
    {
        return Some(text(name));
    }
    let parent = node.parent()?;
    match parent.kind() {
        "variable_declarator" => Some(text(parent.child_by_field_name("name")?)),
        "assignment_expression" => {
            let place = text(parent.child_by_field_name("left")?);
            Some(place.rsplit('.').next().unwrap_or_default().to_owned())
        }
        "pair" => {
            let holder = parent.parent()?.parent()?.child_by_field_name("name")?;
            Some(format!("{}.{}", text(holder), text(parent.child_by_field_name("key")?)))
        }
        _ => None,
    }
}

/// A parameter, or a part of one.
#[derive(Clone, Debug)]
struct Path {
    parameter: usize,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Element,
    Property(String),
}

impl Path {
    fn then(&self, step: Step) -> Option<Path> {
        let mut steps = self.steps.clone();
        steps.push(step);
        (steps.len() <= SHAPE_DEPTH).then_some(Path { parameter: self.parameter, steps })
    }
}

fn at<'s>(shapes: &'s mut [Shape], path: &Path) -> Option<&'s mut Shape> {
    let mut shape = shapes.get_mut(path.parameter)?;
    for step in &path.steps {
        shape = match step {
            Step::Element => shape.element.get_or_insert_default(),
            Step::Property(name) => shape.properties.entry(name.clone()).or_default(),
        };
    }
    Some(shape)
}

struct Reader<'t, 'r> {
    source: &'t str,
    tables: &'r Tables<'t>,
    names: HashMap<&'t str, Path>,
    shapes: Vec<Shape>,
    /// Parts of parameters that other functions of the file get: which, by whom, as what argument.
    handed_on: Vec<(Path, String, usize)>,
}

impl<'t, 'r> Reader<'t, 'r> {
    fn read(function: Node<'t>, source: &'t str, tables: &'r Tables<'t>) -> Self {
        let patterns = parameters(function);
        let shapes = vec![Shape::default(); patterns.len()];
        let mut reader =
            Self { source, tables, names: HashMap::new(), shapes, handed_on: Vec::new() };
        for (parameter, pattern) in patterns.iter().enumerate() {
            reader.bind(*pattern, &Path { parameter, steps: Vec::new() });
        }
        for (name, declared) in documented_types(function, source) {
            if let Some(path) = reader.names.get(name.as_str()).cloned()
                && let Some(shape) = at(&mut reader.shapes, &path)
            {
                declare(shape, &declared, SHAPE_DEPTH);
            }
        }
        if let Some(body) = function.child_by_field_name("body") {
            // The second time with all aliases, also of what is used before it is bound.
            walk(body, (), |node, ()| {
                reader.bind_in(node);
                Some(())
            });
            walk(body, (), |node, ()| {
                reader.visit(node);
                Some(())
            });
        }
        reader
    }

    fn text(&self, node: Node<'_>) -> &'t str {
        text_of(node, self.source)
    }

    fn vote(&mut self, path: &Path, kind: &str, weight: u32) {
        if let Some(shape) = at(&mut self.shapes, path) {
            shape.vote(kind, weight);
        }
    }

    /// Binds the names of a pattern to the parts it takes.
    fn bind(&mut self, pattern: Node<'t>, path: &Path) {
        match pattern.kind() {
            "identifier" | "shorthand_property_identifier_pattern" => {
                self.names.insert(self.text(pattern), path.clone());
            }
            "assignment_pattern" | "object_assignment_pattern" => {
                if let Some(right) = pattern.child_by_field_name("right") {
                    self.vote_literal(path, right, 6);
                }
                if let Some(left) = pattern.child_by_field_name("left") {
                    if pattern.kind() == "object_assignment_pattern" {
                        self.names.insert(self.text(left), path.clone());
                    } else {
                        self.bind(left, path);
                    }
                }
            }
            "rest_pattern" => {
                if let Some(name) = plain_name(pattern) {
                    self.vote(path, "array", 6);
                    self.names.insert(self.text(name), path.clone());
                }
            }
            "array_pattern" => {
                self.vote(path, "array", 3);
                for one in children(pattern).filter(Node::is_named) {
                    if let Some(inner) = path.then(Step::Element) {
                        self.bind(one, &inner);
                    }
                }
            }
            "object_pattern" => {
                self.vote(path, "object", 6);
                for one in children(pattern).filter(Node::is_named) {
                    let name = match one.kind() {
                        "pair_pattern" => one.child_by_field_name("key"),
                        "object_assignment_pattern" => one.child_by_field_name("left"),
                        _ => Some(one),
                    };
                    let value = one.child_by_field_name("value").unwrap_or(one);
                    let step = name.map(|name| Step::Property(self.text(name).to_owned()));
                    if let Some(inner) = step.and_then(|step| path.then(step)) {
                        self.bind(value, &inner);
                        at(&mut self.shapes, &inner);
                    }
                }
            }
            _ => {}
        }
    }

    fn bind_in(&mut self, node: Node<'t>) {
        match node.kind() {
            "variable_declarator" => {
                let fields = (node.child_by_field_name("name"), node.child_by_field_name("value"));
                if let (Some(name), Some(value)) = fields
                    && let Some(path) = self.path(value)
                {
                    self.bind(name, &path);
                }
            }
            "assignment_expression" => {
                let fields = (node.child_by_field_name("left"), node.child_by_field_name("right"));
                if let (Some(left), Some(right)) = fields
                    && left.kind() == "identifier"
                    && !self.names.contains_key(self.text(left))
                    && let Some(path) = self.path(right)
                {
                    self.bind(left, &path);
                }
            }
            "for_in_statement" => {
                let fields = (node.child_by_field_name("left"), node.child_by_field_name("right"));
                let is_of =
                    node.child_by_field_name("operator").is_some_and(|one| self.text(one) == "of");
                if let ((Some(left), Some(right)), true) = (fields, is_of) {
                    let path = self.path(right).and_then(|path| path.then(Step::Element));
                    if let Some(path) = path {
                        self.bind(left, &path);
                    }
                }
            }
            "call_expression" => self.bind_callback(node),
            _ => {}
        }
    }

    /// The parameters of a function that `map` and its like call with elements.
    fn bind_callback(&mut self, call: Node<'t>) {
        let Some((object, method)) = self.method(call) else { return };
        let positions: &[usize] = match method {
            "map" | "filter" | "forEach" | "some" | "every" | "find" | "findIndex" | "flatMap"
            | "findLast" => &[0],
            "reduce" | "reduceRight" => &[1],
            "sort" => &[0, 1],
            _ => return,
        };
        let Some(path) = self.path(object) else { return };
        let callback = arguments(call).into_iter().find(|one| FUNCTIONS.contains(&one.kind()));
        let (Some(callback), Some(inner)) = (callback, path.then(Step::Element)) else { return };
        for (i, pattern) in parameters(callback).into_iter().enumerate() {
            if positions.contains(&i) {
                self.bind(pattern, &inner);
            }
        }
    }

    /// Object and name of a method call.
    fn method(&self, call: Node<'t>) -> Option<(Node<'t>, &'t str)> {
        let function =
            call.child_by_field_name("function").filter(|one| one.kind() == "member_expression")?;
        let object = function.child_by_field_name("object")?;
        Some((object, self.text(function.child_by_field_name("property")?)))
    }

    /// Which part of which parameter an expression gives.
    fn path(&self, node: Node<'t>) -> Option<Path> {
        match node.kind() {
            "identifier" => self.names.get(self.text(node)).cloned(),
            "parenthesized_expression" | "spread_element" => {
                children(node).find(Node::is_named).and_then(|inner| self.path(inner))
            }
            "array" => {
                let only = children(node).filter(Node::is_named).collect::<Vec<_>>();
                let [one] = only.as_slice() else { return None };
                (one.kind() == "spread_element").then(|| self.path(*one)).flatten()
            }
            "member_expression" => {
                let name = self.text(node.child_by_field_name("property")?);
                let path = self.path(node.child_by_field_name("object")?)?;
                if name == "length" || name == "size" {
                    return None;
                }
                path.then(Step::Property(name.to_owned()))
            }
            "subscript_expression" => {
                let path = self.path(node.child_by_field_name("object")?)?;
                let index = node.child_by_field_name("index")?;
                if index.kind() == "string" {
                    return path.then(Step::Property(string_value(self.text(index))));
                }
                path.then(Step::Element)
            }
            "binary_expression" => {
                let operator = node.child_by_field_name("operator").map(|one| self.text(one))?;
                let left =
                    node.child_by_field_name("left").filter(|_| matches!(operator, "||" | "??"))?;
                self.path(left)
            }
            "call_expression" => {
                if let Some((object, method)) = self.method(node) {
                    return match method {
                        "slice" | "filter" | "sort" | "reverse" | "concat" | "trim"
                        | "toLowerCase" | "toUpperCase" | "replace" | "substring" | "toSorted" => {
                            self.path(object)
                        }
                        "at" | "pop" | "shift" | "find" | "charAt" => {
                            self.path(object)?.then(Step::Element)
                        }
                        "from" if self.text(object) == "Array" => {
                            self.path(*arguments(node).first()?)
                        }
                        _ => None,
                    };
                }
                None
            }
            _ => None,
        }
    }

    fn visit(&mut self, node: Node<'t>) {
        match node.kind() {
            "member_expression" => self.visit_member(node),
            "subscript_expression" => self.visit_subscript(node),
            "binary_expression" => self.visit_binary(node),
            "augmented_assignment_expression" => {
                let operator =
                    node.child_by_field_name("operator").map_or("", |one| self.text(one));
                for side in ["left", "right"] {
                    let path = node.child_by_field_name(side).and_then(|one| self.path(one));
                    if let Some(path) = path {
                        match operator {
                            "+=" => self.vote(&path, "plus", 1),
                            "&&=" | "||=" | "??=" => {}
                            _ => self.vote(&path, "number", 3),
                        }
                    }
                }
            }
            "unary_expression" | "update_expression" => {
                let operator =
                    node.child_by_field_name("operator").map_or("", |one| self.text(one));
                let path = node.child_by_field_name("argument").and_then(|one| self.path(one));
                if let (Some(path), "-" | "+" | "++" | "--" | "~") = (path, operator) {
                    self.vote(&path, if operator == "+" { "numeric" } else { "number" }, 2);
                }
            }
            "call_expression" => self.visit_call(node),
            "new_expression" => self.visit_new(node),
            "for_in_statement" => {
                let path = node.child_by_field_name("right").and_then(|one| self.path(one));
                let is_of =
                    node.child_by_field_name("operator").is_some_and(|one| self.text(one) == "of");
                if let Some(path) = path {
                    self.vote(&path, if is_of { "sequence" } else { "object" }, 2);
                }
            }
            "spread_element" => {
                let in_object = node.parent().is_some_and(|parent| parent.kind() == "object");
                let in_call = node.parent().is_some_and(|parent| parent.kind() == "arguments");
                let inner = children(node).find(Node::is_named);
                if let Some(path) = inner.and_then(|one| self.path(one)) {
                    let kind = if in_object {
                        "object"
                    } else if in_call {
                        "array"
                    } else {
                        "sequence"
                    };
                    self.vote(&path, kind, 2);
                }
            }
            "await_expression" => {
                let inner = children(node).find(Node::is_named);
                if let Some(path) = inner.and_then(|one| self.path(one)) {
                    self.vote(&path, "promise", 1);
                }
            }
            _ => {}
        }
    }

    fn visit_member(&mut self, node: Node<'t>) {
        let fields = (node.child_by_field_name("object"), node.child_by_field_name("property"));
        let (Some(object), Some(property)) = fields else { return };
        let Some(path) = self.path(object) else { return };
        let name = self.text(property);
        let is_called = node.parent().is_some_and(|parent| {
            parent.kind() == "call_expression"
                && parent.child_by_field_name("function") == Some(node)
        });
        if is_called {
            let kind = kind_of_method(name);
            if kind == "other" {
                self.vote(&path, "object", 2);
                if let Some(inner) = path.then(Step::Property(name.to_owned())) {
                    self.vote(&inner, "function", 5);
                }
            } else {
                self.vote(&path, kind, if kind == "sequence" { 2 } else { 5 });
            }
            return;
        }
        match name {
            "length" => self.vote(&path, "sequence", 3),
            "size" => self.vote(&path, "set", 3),
            _ => {
                self.vote(&path, "object", 4);
                if let Some(inner) = path.then(Step::Property(name.to_owned())) {
                    at(&mut self.shapes, &inner);
                }
            }
        }
    }

    /// A key of a table of the file may be any that the table has.
    fn vote_key(&mut self, path: &Path, table: Node<'t>) {
        let Some(keys) = self.tables.get(self.text(table)) else { return };
        self.vote(path, "string", 4);
        if let Some(shape) = at(&mut self.shapes, path) {
            for key in keys {
                if !shape.strings.contains(key) {
                    shape.strings.push(key.clone());
                }
            }
        }
    }

    fn visit_subscript(&mut self, node: Node<'t>) {
        let fields = (node.child_by_field_name("object"), node.child_by_field_name("index"));
        let (Some(object), Some(index)) = fields else { return };
        if let Some(path) = self.path(index) {
            if self.tables.contains_key(self.text(object)) {
                self.vote_key(&path, object);
            } else {
                self.vote(&path, "number", 1);
            }
        }
        let Some(path) = self.path(object) else { return };
        if index.kind() == "string" {
            self.vote(&path, "object", 4);
            return;
        }
        let is_target = node.parent().is_some_and(|parent| {
            parent.child_by_field_name("left") == Some(node)
                && parent.kind().ends_with("assignment_expression")
        });
        self.vote(&path, if is_target { "array" } else { "sequence" }, 2);
        if let Some(inner) = path.then(Step::Element) {
            at(&mut self.shapes, &inner);
        }
    }

    fn visit_binary(&mut self, node: Node<'t>) {
        let fields = (
            node.child_by_field_name("left"),
            node.child_by_field_name("operator"),
            node.child_by_field_name("right"),
        );
        let (Some(left), Some(operator), Some(right)) = fields else { return };
        for (one, other) in [(left, right), (right, left)] {
            let Some(path) = self.path(one) else {
                self.visit_typeof(one, other);
                continue;
            };
            match self.text(operator) {
                "-" | "*" | "/" | "%" | "**" | "|" | "&" | "^" | "<<" | ">>" | ">>>" => {
                    self.vote(&path, "number", 3);
                }
                "+" => match other.kind() {
                    "number" => self.vote(&path, "number", 2),
                    "string" | "template_string" => self.vote(&path, "string", 1),
                    _ => self.vote(&path, "plus", 1),
                },
                "<" | ">" | "<=" | ">=" => {
                    self.vote_literal(&path, other, 3);
                    if !matches!(other.kind(), "string" | "number") {
                        self.vote(&path, "number", 1);
                    }
                }
                "==" | "===" | "!=" | "!==" => self.vote_literal(&path, other, 3),
                "instanceof" if one == left => {
                    let kind = match self.text(other) {
                        "Map" => "map".to_owned(),
                        "Set" => "set".to_owned(),
                        "Date" => "date".to_owned(),
                        "Array" => "array".to_owned(),
                        "RegExp" => "regexp".to_owned(),
                        "Object" => "object".to_owned(),
                        name => format!("class:{name}"),
                    };
                    self.vote(&path, &kind, 3);
                }
                "in" if one == right => self.vote(&path, "object", 2),
                "in" => {
                    self.vote(&path, "string", 1);
                    self.vote_key(&path, other);
                }
                _ => {}
            }
        }
    }

    /// `typeof x === 'string'`
    fn visit_typeof(&mut self, one: Node<'t>, other: Node<'t>) {
        if one.kind() == "unary_expression"
            && self.text(one).starts_with("typeof")
            && other.kind() == "string"
        {
            let path = one.child_by_field_name("argument").and_then(|argument| self.path(argument));
            if let Some(path) = path {
                let kind = string_value(self.text(other));
                self.vote(&path, &kind, 2);
            }
        }
    }

    fn visit_call(&mut self, call: Node<'t>) {
        let Some(function) = call.child_by_field_name("function") else { return };
        if let Some(path) = self.path(function).filter(|_| function.kind() == "identifier") {
            self.vote(&path, "function", 8);
        }
        let name = self.text(function);
        for (position, argument) in arguments(call).into_iter().enumerate() {
            let Some(path) = self.path(argument) else { continue };
            if argument.kind() == "spread_element" {
                if let Some(inner) = path.then(Step::Element).filter(|_| name.starts_with("Math."))
                {
                    self.vote(&inner, "number", 4);
                }
                continue;
            }
            match name {
                _ if name.starts_with("Math.") => self.vote(&path, "number", 4),
                "Number" | "parseInt" | "parseFloat" | "Number.parseInt" | "Number.parseFloat" => {
                    self.vote(&path, "numeric", 3);
                }
                "isNaN"
                | "isFinite"
                | "Number.isInteger"
                | "Number.isNaN"
                | "Number.isFinite"
                | "Array"
                | "String.fromCharCode"
                | "BigInt" => self.vote(&path, "number", 3),
                "Object.keys" | "Object.values" | "Object.entries" | "Object.assign"
                | "Object.freeze" => {
                    self.vote(&path, "object", 4);
                }
                "Array.isArray" => self.vote(&path, "array", 2),
                "Array.from" => self.vote(&path, "sequence", 2),
                "JSON.parse" => self.vote(&path, "json", 6),
                "setTimeout" if position == 1 => self.vote(&path, "number", 4),
                "setTimeout" => self.vote(&path, "function", 8),
                _ => self.visit_argument(call, name, position, &path),
            }
        }
    }

    fn visit_argument(&mut self, call: Node<'t>, name: &str, position: usize, path: &Path) {
        if let Some((object, method)) = self.method(call) {
            let object_kind = object.kind();
            match method {
                "repeat" | "charAt" | "charCodeAt" | "at" | "toFixed" | "slice" | "substring"
                | "padStart" | "padEnd" | "splice" | "codePointAt" | "toString" | "setDate"
                    if position == 0 || matches!(method, "slice" | "substring") =>
                {
                    self.vote(path, "number", 3);
                }
                "split" | "startsWith" | "endsWith" | "join" | "replace" | "replaceAll"
                | "localeCompare" | "padStart" | "padEnd" => self.vote(path, "string", 3),
                "includes" | "indexOf" if matches!(object_kind, "string" | "template_string") => {
                    self.vote(path, "string", 3);
                }
                "includes" | "indexOf" if object_kind == "array" => {
                    for one in children(object).filter(Node::is_named) {
                        self.vote_literal(path, one, 1);
                    }
                }
                "map" | "filter" | "forEach" | "reduce" | "some" | "every" | "find"
                | "findIndex" | "flatMap" | "then" | "catch" | "sort"
                    if position == 0 =>
                {
                    self.vote(path, "function", 6);
                }
                "apply" | "concat" if position == 1 || method == "concat" => {
                    self.vote(path, "array", 1);
                }
                _ => {}
            }
        }
        self.handed_on.push((path.clone(), name.trim_start_matches("this.").to_owned(), position));
    }

    fn visit_new(&mut self, node: Node<'t>) {
        let name = node.child_by_field_name("constructor").map_or("", |one| self.text(one));
        for (position, argument) in arguments(node).into_iter().enumerate() {
            let Some(path) = self.path(argument) else { continue };
            match name {
                "Set" => self.vote(&path, "sequence", 2),
                "Map" => self.vote(&path, "array", 2),
                "Array" => self.vote(&path, "number", 4),
                "Date" => self.vote(&path, "date", 4),
                "RegExp" => self.vote(&path, "string", 3),
                _ => self.handed_on.push((path, format!("{name}.constructor"), position)),
            }
        }
    }

    /// A value it is compared with, or has by default.
    fn vote_literal(&mut self, path: &Path, literal: Node<'t>, weight: u32) {
        let text = self.text(literal);
        let kind = match literal.kind() {
            "number" => "number",
            "unary_expression"
                if literal
                    .child_by_field_name("argument")
                    .is_some_and(|one| one.kind() == "number") =>
            {
                "number"
            }
            "string" | "template_string" => "string",
            "true" | "false" => "boolean",
            "null" | "undefined" => "null",
            "array" => "array",
            "object" => "object",
            "arrow_function" | "function_expression" => "function",
            _ => return,
        };
        self.vote(path, kind, weight);
        let Some(shape) = at(&mut self.shapes, path) else { return };
        if let Some(value) = number_value(text).filter(|_| literal.kind() == "number") {
            if !shape.numbers.contains(&value) {
                shape.numbers.push(value);
            }
        } else if literal.kind() == "string" {
            let value = string_value(text);
            if !shape.strings.contains(&value) {
                shape.strings.push(value);
            }
        }
    }
}

fn arguments(call: Node<'_>) -> Vec<Node<'_>> {
    let list = call.child_by_field_name("arguments");
    list.map(|list| children(list).filter(|one| one.is_named() && !one.is_extra()).collect())
        .unwrap_or_default()
}

fn kind_of_method(name: &str) -> &'static str {
    match name {
        "split" | "charAt" | "charCodeAt" | "codePointAt" | "toUpperCase" | "toLowerCase"
        | "toLocaleUpperCase" | "toLocaleLowerCase" | "trim" | "trimStart" | "trimEnd"
        | "replace" | "replaceAll" | "substring" | "substr" | "startsWith" | "endsWith"
        | "padStart" | "padEnd" | "match" | "matchAll" | "repeat" | "localeCompare"
        | "normalize" | "search" => "string",
        "push" | "pop" | "shift" | "unshift" | "map" | "filter" | "reduce" | "reduceRight"
        | "sort" | "join" | "some" | "every" | "find" | "findIndex" | "findLast" | "splice"
        | "fill" | "reverse" | "flat" | "flatMap" | "forEach" | "toSorted" | "toReversed" => {
            "array"
        }
        "slice" | "includes" | "indexOf" | "lastIndexOf" | "concat" | "at" => "sequence",
        "toFixed" | "toPrecision" | "toExponential" => "number",
        "getTime" | "getFullYear" | "getMonth" | "getDate" | "getDay" | "getHours"
        | "toISOString" | "getUTCDate" | "getUTCFullYear" | "getUTCMonth" | "getUTCDay" => "date",
        "test" | "exec" => "regexp",
        "get" | "set" | "has" | "delete" | "entries" | "keys" | "values" => "map",
        "add" => "set",
        "then" | "catch" | "finally" => "promise",
        "call" | "apply" | "bind" => "function",
        "toString" | "valueOf" => "any",
        _ => "other",
    }
}

/// `@param {type} name` of the comment before a function.
fn documented_types(function: Node<'_>, source: &str) -> Vec<(String, String)> {
    let mut node = function;
    while let Some(parent) = node.parent() {
        if matches!(parent.kind(), "program" | "statement_block" | "class_body" | "object") {
            break;
        }
        node = parent;
    }
    let comment = node
        .prev_sibling()
        .filter(|before| before.kind() == "comment")
        .map_or("", |before| text_of(before, source));
    let mut found = Vec::new();
    for (at, tag) in comment.match_indices("@param") {
        let rest = comment[at + tag.len()..].trim_start();
        let Some(inner) = rest.strip_prefix('{') else { continue };
        let mut depth = 1;
        let end = inner.char_indices().find_map(|(at, one)| {
            match one {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at)
        });
        let Some(end) = end else { continue };
        let name: String = inner[end + 1..]
            .trim_start_matches([' ', '[', '\t'])
            .chars()
            .take_while(|one| one.is_alphanumeric() || matches!(one, '_' | '$'))
            .collect();
        found.push((name, inner[..end].to_owned()));
    }
    found
}

/// Votes for a declared type: `number`, `string[]`, `Array<number>`, `number|null`, `Map`, `{a: number}`.
fn declare(shape: &mut Shape, declared: &str, depth: usize) {
    let declared = declared.trim().trim_start_matches(['?', '!', '(']).trim_end_matches(['=', ')']);
    if depth == 0 || declared.is_empty() {
        return;
    }
    let options: Vec<&str> =
        if declared.contains(['<', '{']) { vec![declared] } else { declared.split('|').collect() };
    if options.len() > 1 {
        for option in options {
            declare(shape, option, depth);
        }
        return;
    }
    if let Some(element) = declared.strip_suffix("[]") {
        shape.vote("array", DECLARED);
        return declare(shape.element.get_or_insert_default(), element, depth - 1);
    }
    let generic =
        declared.split_once('<').and_then(|(name, inner)| Some((name, inner.strip_suffix('>')?)));
    let (name, inner) = generic.unwrap_or((declared, ""));
    let kind = match name.trim_end_matches('.').to_ascii_lowercase().as_str() {
        "number" | "int" | "integer" | "float" => "number",
        "string" => "string",
        "boolean" | "bool" => "boolean",
        "array" => "array",
        "object" => "object",
        "function" => "function",
        "map" => "map",
        "set" => "set",
        "date" => "date",
        "regexp" => "regexp",
        "promise" => "promise",
        "null" | "undefined" => "null",
        "*" | "any" | "unknown" => return,
        _ if declared.starts_with('{') => "object",
        _ if declared.contains("=>") => "function",
        _ => return shape.vote(&format!("class:{name}"), DECLARED),
    };
    shape.vote(kind, DECLARED);
    if matches!(kind, "array" | "set") {
        declare(shape.element.get_or_insert_default(), inner, depth - 1);
    }
}
