//! `JUnit`'s rules of discovery, for what can be known without running anything.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::super::syntax::{children, line_of, text_of, walk};
use super::{
    Certainty, ExpectedTest, IdPath, Manifest, Pattern, Reading, Role, Shadow, Side, Text,
};

const JUPITER: &str = "org.junit.jupiter.";

pub(super) fn manifest(source: Option<Text<'_>>, tests: Text<'_>) -> Manifest {
    let imports = Imports::of(tests);
    let mut own = types(tests);
    own.extend(source.map(types).unwrap_or_default());
    let mut reader = Reader { text: tests.text, imports, own: &own, expected: Vec::new() };
    reader.file(tests.root);
    let expected = numbered(reader.expected);
    Manifest { reading: Reading::Complete, expected, shadows: shadows(source, tests) }
}

/// Types that no other type may be called like, and what they are for. Honest beginners call a class
/// `Test`.
fn role(name: &str) -> Option<Role> {
    match name {
        "Assertions" => Some(Role::Judge),
        "Test" | "ParameterizedTest" | "RepeatedTest" | "TestFactory" | "Nested" | "BeforeEach"
        | "BeforeAll" | "AfterEach" | "AfterAll" => Some(Role::Runner),
        _ => None,
    }
}

fn shadows(source: Option<Text<'_>>, tests: Text<'_>) -> Vec<Shadow> {
    let sides = source.map(|source| (source, Side::Source)).into_iter();
    let mut found = Vec::new();
    for (text, side) in sides.chain([(tests, Side::Tests)]) {
        for node in children(text.root).filter(|node| TYPES.contains(&node.kind())) {
            let name = node.child_by_field_name("name").map_or("", |n| text_of(n, text.text));
            if let Some(role) = role(name) {
                found.push(Shadow { name: name.to_owned(), side, line: line_of(node), role });
            }
        }
    }
    found
}

const TYPES: &[&str] = &[
    "class_declaration",
    "interface_declaration",
    "enum_declaration",
    "record_declaration",
    "annotation_type_declaration",
];

/// The names of all types that a text declares.
fn types(text: Text<'_>) -> HashSet<&str> {
    let mut found = HashSet::new();
    walk(text.root, (), |node, ()| {
        if TYPES.contains(&node.kind()) {
            found.extend(node.child_by_field_name("name").map(|name| text_of(name, text.text)));
        }
        Some(())
    });
    found
}

/// What the tests import, by simple name.
struct Imports<'t> {
    single: HashMap<&'t str, &'t str>,
    /// Packages imported as a whole.
    whole: Vec<&'t str>,
}

impl<'t> Imports<'t> {
    fn of(tests: Text<'t>) -> Self {
        let mut imports = Self { single: HashMap::new(), whole: Vec::new() };
        for node in children(tests.root).filter(|node| node.kind() == "import_declaration") {
            let is_static = children(node).any(|child| child.kind() == "static");
            let is_whole = children(node).any(|child| child.kind() == "asterisk");
            let path = children(node)
                .find(|child| ["scoped_identifier", "identifier"].contains(&child.kind()));
            let path = path.map_or("", |path| text_of(path, tests.text));
            match (is_static, is_whole) {
                (true, _) => {}
                (false, true) => imports.whole.push(path),
                (false, false) => {
                    let simple = path.rsplit('.').next().unwrap_or(path);
                    imports.single.insert(simple, path);
                }
            }
        }
        imports
    }
}

/// What an annotation makes of a method.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Marked {
    Once,
    /// Several invocations, one at least.
    Repeatedly,
    /// Several invocations, perhaps none.
    Perhaps,
}

struct Reader<'t, 'o> {
    text: &'t str,
    imports: Imports<'t>,
    /// Types that the texts declare themselves.
    own: &'o HashSet<&'t str>,
    expected: Vec<ExpectedTest>,
}

struct Pending<'t> {
    class: Node<'t>,
    path: IdPath,
    certainty: Certainty,
}

impl<'t> Reader<'t, '_> {
    fn file(&mut self, root: Node<'t>) {
        let mut waiting = Vec::new();
        for class in children(root).filter(|node| node.kind() == "class_declaration") {
            let certainty = Certainty::Required;
            waiting.extend(self.class(class, &IdPath::default(), certainty, Place::Top));
        }
        while let Some(Pending { class, path, certainty }) = waiting.pop() {
            let Some(body) = class.child_by_field_name("body") else { continue };
            for member in children(body) {
                match member.kind() {
                    "method_declaration" => self.method(member, &path, certainty),
                    "class_declaration" => {
                        waiting.extend(self.class(member, &path, certainty, Place::Inside));
                    }
                    _ => {}
                }
            }
        }
        self.expected.sort_by_key(|expected| expected.line);
    }

    /// A class whose methods may be tests.
    fn class(
        &self,
        class: Node<'t>,
        path: &IdPath,
        certainty: Certainty,
        place: Place,
    ) -> Option<Pending<'t>> {
        let name = text_of(class.child_by_field_name("name")?, self.text);
        let modifiers = Modifiers::of(class, self.text);
        if modifiers.has("abstract") || modifiers.has("private") {
            return None;
        }
        let is_static = modifiers.has("static");
        let nested = modifiers.annotations.iter().find(|name| simple(name) == "Nested");
        let mut certainty = certainty;
        if place == Place::Inside && !is_static {
            certainty = certainty.and(self.is_jupiters(nested?));
        }
        // Each of these makes several of the class.
        let multiplied = ["ParameterizedClass", "ClassTemplate"];
        if modifiers.annotations.iter().any(|name| multiplied.contains(&simple(name))) {
            return None;
        }
        let body = class.child_by_field_name("body")?;
        let constructors =
            children(body).filter(|member| member.kind() == "constructor_declaration").count();
        certainty = certainty
            .and(constructors < 2 && class.child_by_field_name("type_parameters").is_none());
        Some(Pending { class, path: path.then(".", name, true), certainty })
    }

    fn method(&mut self, method: Node<'t>, path: &IdPath, certainty: Certainty) {
        let modifiers = Modifiers::of(method, self.text);
        if ["private", "static", "abstract"].iter().any(|word| modifiers.has(word)) {
            return;
        }
        let marks: Vec<_> =
            modifiers.annotations.iter().filter_map(|a| Some((*a, marked(a)?))).collect();
        let &[(annotation, marked)] = marks.as_slice() else { return };
        let is_void =
            method.child_by_field_name("type").is_some_and(|t| text_of(t, self.text) == "void");
        if is_void == (annotation_is_factory(annotation)) {
            return;
        }
        let Some(name) = method.child_by_field_name("name") else { return };
        let is_plain = method.child_by_field_name("type_parameters").is_none();
        let certainty =
            certainty.and(marked != Marked::Perhaps && is_plain && self.is_jupiters(annotation));
        let path = path.then("#", text_of(name, self.text), true);
        let pattern = if marked == Marked::Once { path.exact() } else { path.parametrised() };
        self.expected.push(ExpectedTest { pattern, line: line_of(name), certainty });
    }

    /// Whether an annotation is `JUnit`'s, and no other of that name.
    fn is_jupiters(&self, annotation: &str) -> bool {
        if annotation.contains('.') {
            return annotation.starts_with(JUPITER);
        }
        if let Some(path) = self.imports.single.get(annotation) {
            return path.starts_with(JUPITER);
        }
        !self.own.contains(annotation)
            && self.imports.whole.iter().any(|package| package.starts_with(JUPITER))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Inside,
}

fn marked(annotation: &str) -> Option<Marked> {
    match simple(annotation) {
        "Test" => Some(Marked::Once),
        "ParameterizedTest" | "RepeatedTest" => Some(Marked::Repeatedly),
        "TestFactory" | "TestTemplate" => Some(Marked::Perhaps),
        _ => None,
    }
}

fn annotation_is_factory(annotation: &str) -> bool {
    simple(annotation) == "TestFactory"
}

fn simple(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The modifiers of a declaration.
struct Modifiers<'t> {
    words: Vec<&'t str>,
    annotations: Vec<&'t str>,
}

impl<'t> Modifiers<'t> {
    fn of(declaration: Node<'_>, text: &'t str) -> Self {
        let mut modifiers = Self { words: Vec::new(), annotations: Vec::new() };
        let node = children(declaration).find(|child| child.kind() == "modifiers");
        for child in node.into_iter().flat_map(children) {
            if let Some(name) = child.child_by_field_name("name") {
                modifiers.annotations.push(text_of(name, text));
            } else {
                modifiers.words.push(text_of(child, text));
            }
        }
        modifiers
    }

    fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }
}

/// Overloads have one id, and the second is told apart by ` #2`.
fn numbered(mut expected: Vec<ExpectedTest>) -> Vec<ExpectedTest> {
    let mut times: HashMap<String, u32> = HashMap::new();
    for test in &mut expected {
        let Pattern::Exact(id) = &mut test.pattern else { continue };
        if test.certainty == Certainty::Required {
            let times = times.entry(id.clone()).or_default();
            *times += 1;
            if *times > 1 {
                *id = format!("{id} #{times}");
            }
        }
    }
    expected
}
