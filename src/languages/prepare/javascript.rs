use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::super::names::javascript::{
    Binding, Export, ImportKind, Imported, Origin, bindings, imports, require_call, required,
};
use super::super::syntax::{children, text_of, walk};
use super::{Edits, Text};

/// What is global here, and modules that hand it out.
const GLOBALS: &[&str] = &[
    "describe",
    "fdescribe",
    "xdescribe",
    "it",
    "fit",
    "xit",
    "test",
    "xtest",
    "expect",
    "jest",
    "beforeEach",
    "beforeAll",
    "afterEach",
    "afterAll",
];
const GLOBAL_MODULES: &[&str] = &["@jest/globals", "vitest"];

/// Node's own modules.
const BUILTIN: &[&str] = &[
    "assert",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "events",
    "fs",
    "http",
    "http2",
    "https",
    "inspector",
    "module",
    "net",
    "os",
    "path",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "repl",
    "stream",
    "string_decoder",
    "sys",
    "timers",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// In place of a statement: one that does nothing, since without any the statement before might go
/// on with the one behind.
const NOTHING: &str = ";";

/// Both texts become one file, and a hashbang is only good at the top of one.
pub(super) fn edits_of_source(source: Text<'_>) -> Edits {
    let mut edits = Edits::default();
    for node in children(source.root).filter(|node| node.kind() == "hash_bang_line") {
        edits.blank(node);
    }
    edits
}

pub(super) fn edits(source: Text<'_>, tests: Text<'_>) -> Edits {
    let source = Source::of(source);
    let mut edits = edits_of_source(tests);
    for statement in children(tests.root) {
        let instead = match statement.kind() {
            "import_statement" => source.instead_of_import(statement, tests.text),
            "lexical_declaration" | "variable_declaration" => {
                source.instead_of_requires(statement, tests.text)
            }
            "expression_statement" => {
                let call = children(statement).find(Node::is_named);
                let module = call.and_then(|call| require_call(call, tests.text));
                module.filter(|module| is_relative(module)).map(|_| NOTHING.to_owned())
            }
            _ => None,
        };
        if let Some(instead) = instead {
            edits.replace(statement, instead, tests.text);
        }
    }
    edits
}

/// What tests can have of the source.
struct Source<'t> {
    bindings: HashMap<&'t str, Origin<'t>>,
    /// Names under which it exports its own.
    exports: HashMap<&'t str, &'t str>,
    default: Option<&'t str>,
    /// It sets `module.exports` or parts of it.
    is_commonjs: bool,
    /// What `module.exports` is set to as a whole, where that is a name.
    whole: Option<&'t str>,
    /// Modules that it imports.
    modules: HashSet<&'t str>,
    /// An object of all that it has for others.
    namespace: String,
}

/// What takes the place of an imported name.
enum Instead {
    /// The name is there already.
    There,
    /// A `const` of this.
    Value(String),
    /// The import of this name stays.
    Stays,
    /// Nothing can.
    Nothing,
}

impl<'t> Source<'t> {
    fn of(source: Text<'t>) -> Self {
        let bindings = bindings(source.root, source.text, |_| false);
        let modules = bindings.iter().filter_map(|binding| match binding.origin {
            Origin::Module(export) => Some(plain(export.module)),
            Origin::Value | Origin::Type => None,
        });
        let modules = modules.collect();
        let bindings = bindings.into_iter().map(|Binding { name, origin, .. }| (name, origin));
        let mut found = Self {
            bindings: bindings.collect(),
            exports: HashMap::new(),
            default: None,
            is_commonjs: false,
            whole: None,
            modules,
            namespace: String::new(),
        };
        for statement in children(source.root).filter(|node| node.kind() == "export_statement") {
            found.export(statement, source.text);
        }
        walk(source.root, (), |node, ()| {
            if node.kind() == "assignment_expression" {
                found.assignment(node, source.text);
            }
            Some(())
        });
        found.namespace = found.namespace();
        found
    }

    fn export(&mut self, statement: Node<'t>, text: &'t str) {
        let is_default = children(statement).any(|child| child.kind() == "default");
        if let Some(declaration) = statement.child_by_field_name("declaration") {
            let name = declaration.child_by_field_name("name").map(|name| text_of(name, text));
            if is_default {
                self.default = name;
            } else {
                let declared = bindings(declaration, text, |_| false);
                let values = declared.iter().filter(|binding| binding.origin != Origin::Type);
                self.exports.extend(values.map(|binding| (binding.name, binding.name)));
            }
        }
        if let Some(value) = statement.child_by_field_name("value")
            && value.kind() == "identifier"
        {
            self.default = Some(text_of(value, text));
        }
        if statement.child_by_field_name("source").is_some() {
            return;
        }
        let clauses = children(statement).filter(|child| child.kind() == "export_clause");
        for part in clauses.flat_map(children).filter(|part| part.kind() == "export_specifier") {
            let Some(name) = part.child_by_field_name("name") else { continue };
            let alias = part.child_by_field_name("alias").unwrap_or(name);
            let (name, alias) = (text_of(name, text), text_of(alias, text));
            if alias == "default" {
                self.default = Some(name);
            } else if self.bindings.get(name) != Some(&Origin::Type) {
                self.exports.insert(alias, name);
            }
        }
    }

    fn assignment(&mut self, node: Node<'t>, text: &'t str) {
        let Some(left) = node.child_by_field_name("left").map(|left| text_of(left, text)) else {
            return;
        };
        if left == "module.exports" {
            let right = node.child_by_field_name("right");
            let name = right.filter(|right| right.kind() == "identifier");
            self.whole = name.map(|name| text_of(name, text));
            self.is_commonjs = true;
        }
        self.is_commonjs |= left.starts_with("module.exports.") || left.starts_with("exports.");
    }

    fn instead_of_import(&self, statement: Node<'_>, text: &str) -> Option<String> {
        let names = imports(statement, text);
        if names.is_empty() {
            // For its effects alone, which the source had when it was loaded.
            let module = statement.child_by_field_name("source")?;
            let module = text_of(module, text).trim_matches(['"', '\'']);
            return is_relative(module).then(|| NOTHING.to_owned());
        }
        self.instead_of(&names, |module, rest| format!("import{{{rest}}}from'{module}';"), " as ")
    }

    fn instead_of_requires(&self, statement: Node<'_>, text: &str) -> Option<String> {
        let mut instead = Vec::new();
        for declarator in children(statement).filter(|node| node.kind() == "variable_declarator") {
            let names = required(declarator, text);
            if names.is_empty() {
                return None;
            }
            let build = |module: &str, rest: &str| format!("const{{{rest}}}=require('{module}');");
            instead.push(self.instead_of(&names, build, ":")?);
        }
        instead.retain(|one| one != NOTHING);
        Some(if instead.is_empty() { NOTHING.to_owned() } else { instead.concat() })
    }

    /// In place of the import of these names from one module. `keep` writes an import of what stays.
    fn instead_of(
        &self,
        names: &[Imported<'_>],
        keep: impl Fn(&str, &str) -> String,
        renamed: &str,
    ) -> Option<String> {
        let module = names.first()?.export.module;
        let (mut values, mut stay, mut unknown) = (Vec::new(), Vec::new(), 0);
        for imported in names {
            match self.instead_of_name(imported) {
                Instead::There => {}
                Instead::Value(value) => values.push(format!("{}={value}", imported.local)),
                Instead::Stays => match imported.export.name {
                    Some(name) if name == imported.local => stay.push(name.to_owned()),
                    Some(name) => stay.push(format!("{name}{renamed}{}", imported.local)),
                    // As a whole it stays as it is written, and so does the rest of the statement.
                    None => return None,
                },
                Instead::Nothing => unknown += 1,
            }
        }
        // If none is known, it is hardly the code under test: an import that fails says so best.
        if unknown == names.len() || stay.len() == names.len() {
            return None;
        }
        let values = match values.len() {
            0 => String::new(),
            _ => format!("const {};", values.join(",")),
        };
        let stay = if stay.is_empty() { stay.concat() } else { keep(module, &stay.join(",")) };
        let instead = values + &stay;
        Some(if instead.is_empty() { NOTHING.to_owned() } else { instead })
    }

    fn instead_of_name(&self, imported: &Imported<'_>) -> Instead {
        let Imported { local, export: Export { module, name }, kind } = *imported;
        if GLOBAL_MODULES.contains(&module) {
            return match name {
                Some(name) if !GLOBALS.contains(&name) => Instead::Stays,
                Some(name) if name == local => Instead::There,
                Some(name) => Instead::Value(name.to_owned()),
                None => Instead::Stays,
            };
        }
        if let Some(Origin::Module(export)) = self.bindings.get(local)
            && plain(export.module) == plain(module)
            && export.name == name
        {
            return Instead::There;
        }
        if is_relative(module) {
            return self.of_source(local, name, kind);
        }
        let is_foreign = BUILTIN.contains(&plain(module).split('/').next().unwrap_or_default())
            || module.starts_with("node:")
            || self.modules.contains(plain(module));
        if is_foreign || !self.declares(name.unwrap_or(local)) {
            return Instead::Stays;
        }
        self.of_source(local, name, kind)
    }

    /// What stands for a name of the source.
    fn of_source(&self, local: &str, name: Option<&str>, kind: ImportKind) -> Instead {
        let value = |value: &str| {
            if value == local { Instead::There } else { Instead::Value(value.to_owned()) }
        };
        if let Some(name) = name {
            return match (self.exports.get(name), self.bindings.get(name)) {
                (Some(own), _) => value(own),
                // Types are gone when it runs, under whatever name.
                (None, Some(Origin::Type)) => Instead::There,
                (None, Some(_)) => value(name),
                (None, None) if self.is_commonjs => value(&format!("module.exports.{name}")),
                (None, None) => Instead::Nothing,
            };
        }
        if let (ImportKind::Default, Some(default)) = (kind, self.default) {
            return value(default);
        }
        if let Some(whole) = self.whole {
            return value(whole);
        }
        if self.bindings.contains_key(local) {
            return Instead::There;
        }
        if self.is_commonjs {
            return value("module.exports");
        }
        if kind == ImportKind::Default {
            return Instead::Nothing;
        }
        value(&self.namespace)
    }

    /// All that it exports, or where it exports nothing, all that it has.
    fn namespace(&self) -> String {
        let mut members: Vec<_> = self
            .exports
            .iter()
            .map(
                |(name, own)| {
                    if name == own { (*name).to_owned() } else { format!("{name}:{own}") }
                },
            )
            .collect();
        members.extend(self.default.map(|default| format!("default:{default}")));
        if members.is_empty() {
            let own = self.bindings.iter().filter(|(_, origin)| **origin == Origin::Value);
            members = own.map(|(name, _)| (*name).to_owned()).collect();
        }
        members.sort_unstable();
        format!("{{{}}}", members.join(","))
    }

    /// Whether it has a value or type of its own of that name.
    fn declares(&self, name: &str) -> bool {
        matches!(self.bindings.get(name), Some(Origin::Value | Origin::Type))
    }
}

fn is_relative(module: &str) -> bool {
    module.starts_with("./") || module.starts_with("../") || module == "." || module == ".."
}

fn plain(module: &str) -> &str {
    module.strip_prefix("node:").unwrap_or(module)
}
