use std::collections::HashSet;

use super::super::names::javascript::{FUNCTIONS, Origin, bindings, identifiers};
use super::super::syntax::{line_of, text_of, walk};
use super::{Role, Shadow, Side, Text};

/// Modules that hand out what is global here.
pub(super) const GLOBAL_MODULES: &[&str] = &["@jest/globals", "vitest"];
/// Modules whose `expect` is the same or as good.
const EXPECT_MODULES: &[&str] = &["@jest/globals", "vitest", "expect"];

/// Who takes `expect` decides what passes. A parser may well have a function `expect`; a test
/// that is in one file with it does not get Jest's then, so even there a pass proves nothing.
/// Names that run tests are told as such.
pub(super) fn shadows(source: Option<Text<'_>>, tests: Text<'_>) -> Vec<Shadow> {
    let mut found = Vec::new();
    if let Some(source) = source {
        found.extend(of_text(source, Side::Source));
    }
    found.extend(of_text(tests, Side::Tests));
    found
}

fn role(name: &str) -> Option<Role> {
    match name {
        "expect" => Some(Role::Judge),
        "test" | "it" | "describe" | "beforeEach" | "afterEach" | "beforeAll" | "afterAll"
        | "jest" => Some(Role::Runner),
        _ => None,
    }
}

fn of_text(text: Text<'_>, side: Side) -> Vec<Shadow> {
    let mut found = Vec::new();
    for binding in bindings(text.root, text.text, |_| false) {
        let Some(role) = role(binding.name) else { continue };
        let is_honest = match binding.origin {
            Origin::Type => true,
            Origin::Module(export) => EXPECT_MODULES.contains(&export.module),
            Origin::Value => false,
        };
        if !is_honest {
            let (name, line) = (binding.name.to_owned(), line_of(binding.node));
            found.push(Shadow { name, side, line, role });
        }
    }
    found.extend(assignments(text, side));
    found.sort_by_key(|shadow| shadow.line);
    found
}

/// `expect = …`, and `globalThis.expect = …`, at any depth.
fn assignments(text: Text<'_>, side: Side) -> Vec<Shadow> {
    let locals = locals(text);
    let mut found = Vec::new();
    walk(text.root, (), |node, ()| {
        if !["assignment_expression", "augmented_assignment_expression"].contains(&node.kind()) {
            return Some(());
        }
        let Some(left) = node.child_by_field_name("left") else { return Some(()) };
        let target = text_of(left, text.text);
        let of_global = ["globalThis.", "global.", "window.", "self."]
            .iter()
            .find_map(|global| target.strip_prefix(global));
        let bare = (left.kind() == "identifier" && !locals.contains(target)).then_some(target);
        if let Some(name) = of_global.or(bare)
            && let Some(role) = role(name)
        {
            found.push(Shadow { name: name.to_owned(), side, line: line_of(node), role });
        }
        Some(())
    });
    found
}

/// Names that some function has for itself: which of two is assigned to is not worked out here.
fn locals(text: Text<'_>) -> HashSet<&str> {
    let mut found = HashSet::new();
    walk(text.root, false, |node, in_function| {
        let is_function = FUNCTIONS.contains(&node.kind());
        let pattern = match node.kind() {
            "variable_declarator" if in_function => node.child_by_field_name("name"),
            _ if is_function => node
                .child_by_field_name("parameters")
                .or_else(|| node.child_by_field_name("parameter")),
            _ => None,
        };
        let names = pattern.map(identifiers).unwrap_or_default();
        found.extend(names.into_iter().map(|name| text_of(name, text.text)));
        Some(in_function || is_function)
    });
    found
}
