use tree_sitter::Node;

use super::super::syntax::{children, text_of, walk};

/// A name that a text binds at its top level, blocks at the top included.
#[derive(Clone, Debug)]
pub(in crate::languages) struct Binding<'t> {
    pub(in crate::languages) name: &'t str,
    pub(in crate::languages) node: Node<'t>,
    pub(in crate::languages) origin: Origin<'t>,
}

/// What a name is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::languages) enum Origin<'t> {
    /// A value of this text.
    Value,
    /// A type of this text, which is gone when it runs.
    Type,
    /// Something of another module.
    Module(Export<'t>),
}

/// Something of another module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::languages) struct Export<'t> {
    /// The module, as it is spelled.
    pub(in crate::languages) module: &'t str,
    /// Its name there; `None` for the module as a whole or its default.
    pub(in crate::languages) name: Option<&'t str>,
}

/// One name of an import, or of a `require`.
#[derive(Clone, Copy, Debug)]
pub(in crate::languages) struct Imported<'t> {
    pub(in crate::languages) local: &'t str,
    pub(in crate::languages) export: Export<'t>,
    pub(in crate::languages) kind: ImportKind,
}

/// How a name is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::languages) enum ImportKind {
    Named,
    Default,
    /// `* as m`, or all that `require` gives.
    Whole,
}

/// Functions whose bodies are scopes of their own.
pub(in crate::languages) const FUNCTIONS: &[&str] = &[
    "function_declaration",
    "generator_function_declaration",
    "function_expression",
    "generator_function",
    "arrow_function",
    "method_definition",
    "class_static_block",
];

/// The names bound at the top level. Bodies of the functions that `transparent` names count as such
/// too, with their parameters.
pub(in crate::languages) fn bindings<'t>(
    root: Node<'t>,
    text: &'t str,
    mut transparent: impl FnMut(Node<'t>) -> bool,
) -> Vec<Binding<'t>> {
    let mut found = Vec::new();
    walk(root, (), |node, ()| {
        let mut bind = |name: &'t str, origin: Origin<'t>| {
            found.push(Binding { name, node, origin });
        };
        match node.kind() {
            "import_statement" => {
                for imported in imports(node, text) {
                    bind(imported.local, Origin::Module(imported.export));
                }
                return None;
            }
            "variable_declarator" => {
                let names = node.child_by_field_name("name");
                let required = required(node, text);
                if required.is_empty() {
                    for name in names.map(identifiers).unwrap_or_default() {
                        bind(text_of(name, text), Origin::Value);
                    }
                }
                for imported in required {
                    bind(imported.local, Origin::Module(imported.export));
                }
            }
            "function_declaration"
            | "generator_function_declaration"
            | "class_declaration"
            | "abstract_class_declaration"
            | "enum_declaration"
            | "internal_module"
            | "function_signature" => {
                if let Some(name) = node.child_by_field_name("name") {
                    bind(text_of(name, text), Origin::Value);
                }
            }
            "interface_declaration" | "type_alias_declaration" => {
                if let Some(name) = node.child_by_field_name("name") {
                    bind(text_of(name, text), Origin::Type);
                }
                return None;
            }
            "catch_clause" | "for_in_statement" => {
                let declares =
                    node.kind() == "catch_clause" || node.child_by_field_name("kind").is_some();
                let field = if node.kind() == "catch_clause" { "parameter" } else { "left" };
                if let (Some(names), true) = (node.child_by_field_name(field), declares) {
                    for name in identifiers(names) {
                        bind(text_of(name, text), Origin::Value);
                    }
                }
            }
            _ => {}
        }
        if !FUNCTIONS.contains(&node.kind()) {
            return Some(());
        }
        if !transparent(node) {
            return None;
        }
        for field in ["parameters", "parameter"] {
            for name in node.child_by_field_name(field).map(identifiers).unwrap_or_default() {
                bind(text_of(name, text), Origin::Value);
            }
        }
        Some(())
    });
    found
}

/// The names that a pattern binds.
pub(in crate::languages) fn identifiers(pattern: Node<'_>) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    let mut waiting = vec![pattern];
    while let Some(node) = waiting.pop() {
        match node.kind() {
            "identifier" | "shorthand_property_identifier_pattern" => found.push(node),
            "pair_pattern" => waiting.extend(node.child_by_field_name("value")),
            "assignment_pattern" | "object_assignment_pattern" => {
                waiting.extend(node.child_by_field_name("left"));
            }
            "required_parameter" | "optional_parameter" => {
                waiting.extend(node.child_by_field_name("pattern"));
            }
            "object_pattern" | "array_pattern" | "rest_pattern" | "formal_parameters" => {
                waiting.extend(children(node).filter(tree_sitter::Node::is_named));
            }
            _ => {}
        }
    }
    found
}

/// The names that an import statement binds.
pub(in crate::languages) fn imports<'t>(statement: Node<'t>, text: &'t str) -> Vec<Imported<'t>> {
    let mut found = Vec::new();
    let module = module_of(statement, text);
    let whole =
        |local, kind, module| Imported { local, export: Export { module, name: None }, kind };
    for clause in children(statement) {
        match clause.kind() {
            "import_require_clause" => {
                let module = module_of(clause, text);
                let name = children(clause).find(|child| child.kind() == "identifier");
                found.extend(name.map(|n| whole(text_of(n, text), ImportKind::Whole, module)));
            }
            "import_clause" => {
                for part in children(clause) {
                    match part.kind() {
                        "identifier" => {
                            found.push(whole(text_of(part, text), ImportKind::Default, module));
                        }
                        "namespace_import" => {
                            let name = children(part).find(|child| child.kind() == "identifier");
                            found.extend(
                                name.map(|n| whole(text_of(n, text), ImportKind::Whole, module)),
                            );
                        }
                        "named_imports" => {
                            let parts = children(part).filter(|c| c.kind() == "import_specifier");
                            found.extend(parts.filter_map(|part| specifier(part, module, text)));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    found
}

fn specifier<'t>(node: Node<'t>, module: &'t str, text: &'t str) -> Option<Imported<'t>> {
    let name = text_of(node.child_by_field_name("name")?, text);
    let local = node.child_by_field_name("alias").map_or(name, |alias| text_of(alias, text));
    let (kind, name) = match name {
        "default" => (ImportKind::Default, None),
        name => (ImportKind::Named, Some(name)),
    };
    Some(Imported { local, export: Export { module, name }, kind })
}

/// The names that a declarator binds by `require`; none if it is anything else, or more than plain
/// names.
pub(in crate::languages) fn required<'t>(declarator: Node<'t>, text: &'t str) -> Vec<Imported<'t>> {
    read_require(declarator, text).unwrap_or_default()
}

fn read_require<'t>(declarator: Node<'t>, text: &'t str) -> Option<Vec<Imported<'t>>> {
    let name = declarator.child_by_field_name("name")?;
    let value = declarator.child_by_field_name("value")?;
    let (call, property) = match value.kind() {
        "member_expression" => {
            (value.child_by_field_name("object")?, value.child_by_field_name("property"))
        }
        _ => (value, None),
    };
    let module = require_call(call, text)?;
    if name.kind() == "identifier" {
        let export = Export { module, name: property.map(|property| text_of(property, text)) };
        let kind = if property.is_some() { ImportKind::Named } else { ImportKind::Whole };
        return Some(vec![Imported { local: text_of(name, text), export, kind }]);
    }
    if name.kind() != "object_pattern" || property.is_some() {
        return None;
    }
    let parts = children(name).filter(|child| child.is_named() && child.kind() != "comment");
    parts
        .map(|part| {
            let (key, local) = match part.kind() {
                "shorthand_property_identifier_pattern" => (part, part),
                "pair_pattern" => {
                    (part.child_by_field_name("key")?, part.child_by_field_name("value")?)
                }
                _ => return None,
            };
            let plain = key.kind() != "computed_property_name" && local.named_child_count() == 0;
            let export = Export { module, name: Some(text_of(key, text)) };
            let local = text_of(local, text);
            plain.then_some(Imported { local, export, kind: ImportKind::Named })
        })
        .collect()
}

/// The module of `require('…')`.
pub(in crate::languages) fn require_call<'t>(call: Node<'t>, text: &'t str) -> Option<&'t str> {
    let function = call.child_by_field_name("function")?;
    let arguments = call.child_by_field_name("arguments")?;
    let is_require = call.kind() == "call_expression"
        && text_of(function, text) == "require"
        && arguments.named_child_count() == 1;
    let module = arguments.named_child(0).filter(|_| is_require)?;
    (module.kind() == "string").then(|| unquoted(module, text))
}

fn module_of<'t>(node: Node<'t>, text: &'t str) -> &'t str {
    node.child_by_field_name("source").map_or("", |source| unquoted(source, text))
}

fn unquoted<'t>(string: Node<'_>, text: &'t str) -> &'t str {
    text_of(string, text).trim_matches(['"', '\''])
}
