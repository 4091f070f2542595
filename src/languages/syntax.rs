//! What the four languages share: parsing with a bound, finding what is wrong, telling whether there
//! is anything to test.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{Language, Node, ParseOptions, Parser, Point, Tree, TreeCursor};
use tree_sitter_language::LanguageFn;

use super::problem::{SyntaxKind, SyntaxProblem};

/// Longest a parse may take. Honest code of the largest size takes some 20 ms; only text made to
/// keep the parser's error recovery busy comes near.
const PARSE_MAX: Duration = Duration::from_millis(300);

/// How a language is parsed and what makes up its files.
pub(super) struct Grammar {
    /// The grammars to try, in order; the first clean parse counts.
    pub(super) dialects: &'static [LanguageFn],
    /// Kinds of nodes at the top of a file that are nothing to test.
    pub(super) idle: &'static [&'static str],
    /// Kinds of nodes that the grammar takes and the language does not, wherever they stand.
    pub(super) refused: &'static [(&'static str, SyntaxKind)],
    /// The kinds of nodes that may stand at the top of a file; empty where all may.
    pub(super) top_level: &'static [&'static str],
    /// Kinds of nodes, at the top of a file, that plain words never parse as.
    pub(super) telling: &'static [&'static str],
}

/// What came of parsing a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    Good,
    Empty,
    TooComplex,
    Bad(SyntaxProblem),
}

/// Why there is no tree to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTree {
    /// It could not be had in time.
    TooSlow,
    /// Something in the text is not of the language.
    Unsound,
}

impl Grammar {
    pub(super) fn parse(&self, text: &str) -> Parsed {
        let mut first = None;
        for dialect in self.dialects {
            let Some(tree) = parse(*dialect, text) else { return Parsed::TooComplex };
            match self.judge(&tree, text) {
                Parsed::Bad(problem) => first = first.or(Some(Parsed::Bad(problem))),
                parsed => return parsed,
            }
        }
        first.expect("every language has a grammar")
    }

    /// The tree of a text that is sound in this language.
    pub(super) fn tree(&self, text: &str) -> Result<Tree, NoTree> {
        for dialect in self.dialects {
            let tree = parse(*dialect, text).ok_or(NoTree::TooSlow)?;
            if !tree.root_node().has_error() {
                return Ok(tree);
            }
        }
        Err(NoTree::Unsound)
    }

    /// Whether the text is sound in this language and more than words that happen to parse.
    pub(super) fn is_certainly(&self, text: &str) -> bool {
        self.dialects.iter().any(|dialect| {
            parse(*dialect, text).is_some_and(|tree| {
                self.judge(&tree, text) == Parsed::Good
                    && children(tree.root_node()).any(|node| self.telling.contains(&node.kind()))
            })
        })
    }

    fn judge(&self, tree: &Tree, text: &str) -> Parsed {
        let root = tree.root_node();
        if let Some(problem) = self.first_problem(root, text) {
            return Parsed::Bad(problem);
        }
        let idle = |node: Node<'_>| {
            self.idle.contains(&node.kind()) || (is_lone_text(node) && node.kind() != "program")
        };
        if children(root).all(idle) {
            return Parsed::Empty;
        }
        let misplaced = children(root).find(|node| {
            !self.top_level.is_empty() && !node.is_extra() && !self.top_level.contains(&node.kind())
        });
        match misplaced {
            Some(node) => {
                Parsed::Bad(place(node.start_position(), SyntaxKind::OutsideOfType, text))
            }
            None => Parsed::Good,
        }
    }

    /// The first thing wrong, in the order of the text. Walks without recursion: the depth of the
    /// tree is the attacker's choice.
    fn first_problem(&self, root: Node<'_>, text: &str) -> Option<SyntaxProblem> {
        let mut cursor = root.walk();
        loop {
            let node = cursor.node();
            if node.is_missing() {
                return Some(place(
                    node.start_position(),
                    SyntaxKind::Missing(node.kind().to_owned()),
                    text,
                ));
            }
            if node.is_error() {
                return Some(place(trouble(node), SyntaxKind::Unexpected, text));
            }
            if let Some((_, kind)) = self.refused.iter().find(|(kind, _)| *kind == node.kind()) {
                return Some(place(node.start_position(), kind.clone(), text));
            }
            let descend = node.has_error() || !self.refused.is_empty();
            if descend && cursor.goto_first_child() {
                continue;
            }
            if !go_on(&mut cursor) {
                return None;
            }
        }
    }
}

/// Moves to the next node that is not below this one; false at the end.
fn go_on(cursor: &mut TreeCursor<'_>) -> bool {
    loop {
        if cursor.goto_next_sibling() {
            return true;
        }
        if !cursor.goto_parent() {
            return false;
        }
    }
}

/// Where in an error the trouble is. An error holds what was understood before it as children, so
/// it is behind the last of them that is sound; without any, at its start.
fn trouble(error: Node<'_>) -> Point {
    let mut last = error.start_position();
    for child in children(error) {
        if child.is_error() || child.is_missing() || child.has_error() {
            return child.start_position();
        }
        last = child.start_position();
    }
    last
}

/// A file of one text literal (a docstring) has nothing to test.
fn is_lone_text(node: Node<'_>) -> bool {
    node.kind() == "expression_statement"
        && node.named_child_count() == 1
        && node.named_child(0).is_some_and(|child| child.kind() == "string")
}

/// By cursor: asking a node for its sibling searches from the root, which is quadratic on the wide
/// trees of hostile text.
pub(crate) fn children(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let mut cursor = node.walk();
    let mut more = cursor.goto_first_child();
    std::iter::from_fn(move || {
        let child = more.then(|| cursor.node());
        more = more && cursor.goto_next_sibling();
        child
    })
}

/// Visits a node before what is below it, in the order of the text, each with what its parent hands
/// down; `None` leaves out what is below. Keeps its own stack: the depth of the tree is the
/// attacker's choice.
pub(crate) fn walk<'t, C: Copy>(
    root: Node<'t>,
    context: C,
    mut visit: impl FnMut(Node<'t>, C) -> Option<C>,
) {
    let mut stack = vec![(root, context)];
    while let Some((node, context)) = stack.pop() {
        if let Some(context) = visit(node, context) {
            let first = stack.len();
            stack.extend(children(node).map(|child| (child, context)));
            stack[first..].reverse();
        }
    }
}

/// The text of a node.
pub(crate) fn text_of<'t>(node: Node<'_>, text: &'t str) -> &'t str {
    text.get(node.byte_range()).unwrap_or_default()
}

/// The line a node begins in, as people count.
pub(crate) fn line_of(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row).unwrap_or(u32::MAX).saturating_add(1)
}

/// Parses a text; `None` when that takes too long.
pub(crate) fn parse(dialect: LanguageFn, text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser
        .set_language(&Language::new(dialect))
        .expect("the grammars are pinned to versions this tree-sitter reads");
    let deadline = Instant::now() + PARSE_MAX;
    let mut watch = |_: &tree_sitter::ParseState| {
        if Instant::now() >= deadline { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut read = |offset: usize, _: Point| text.as_bytes().get(offset..).unwrap_or_default();
    let options = ParseOptions::new().progress_callback(&mut watch);
    parser.parse_with_options(&mut read, None, Some(options))
}

/// tree-sitter counts from 0 and in bytes, people from 1 and in characters.
fn place(point: Point, kind: SyntaxKind, text: &str) -> SyntaxProblem {
    let line = text.split('\n').nth(point.row).unwrap_or_default();
    let before = line.get(..point.column).unwrap_or(line);
    SyntaxProblem { line: point.row + 1, column: before.chars().count() + 1, kind }
}
