//! The documents, held against the code and against each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tester::config::variables::{self, Need, Role};

use super::rust_files;

/// What stands in the cells that say who needs a variable, in the two languages.
const TRANSLATED: [(&str, &str); 4] =
    [("required", "필수"), ("optional", "선택"), ("wide", "넉넉함"), ("the same", "같음")];

#[test]
fn both_readmes_name_every_variable_once_and_say_who_needs_it() {
    for name in ["README.md", "README.ko.md"] {
        let rows = variable_rows(&read(name));
        let listed: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        for variable in variables::ALL {
            let found: Vec<_> = rows.iter().filter(|row| row.name == variable.name()).collect();
            let [row] = found[..] else {
                panic!("{name} has {} rows of {}", found.len(), variable.name());
            };
            for (role, cell) in [Role::Serve, Role::Dev, Role::Worker].into_iter().zip(&row.needs) {
                let said = match cell.as_str() {
                    "" => Need::Unread,
                    "required" | "필수" => Need::Required,
                    _ => Need::Optional,
                };
                assert_eq!(said, variable.need(role), "{name}: {} in {role:?}", variable.name());
            }
        }
        assert_eq!(listed.len(), variables::ALL.len(), "{name} names a variable nobody reads");
    }
}

#[test]
fn the_korean_readme_says_as_much_as_the_english_one() {
    let (english, korean) = (read("README.md"), read("README.ko.md"));
    let (english, korean) = (Page::read(&english), Page::read(&korean));
    assert_eq!(korean.blocks, english.blocks, "code blocks");
    assert_eq!(korean.headings.len(), english.headings.len(), "headings");
    for ((depth, korean), (wanted, english)) in korean.headings.iter().zip(&english.headings) {
        assert_eq!(depth, wanted, "{korean:?} stands for {english:?}");
    }
    assert_eq!(korean.rows.len(), english.rows.len(), "rows of tables");
    for (korean, english) in korean.rows.iter().zip(&english.rows) {
        assert_eq!(korean.len(), english.len(), "{korean:?} stands for {english:?}");
        // A first cell of code is the same in every language; prose is not.
        if english[0].starts_with('`') {
            assert_eq!(korean[0], english[0]);
        }
        if english.len() == VARIABLE_COLUMNS {
            let translated = english[1..4].iter().map(|cell| translate(cell));
            assert!(korean[1..4].iter().map(String::as_str).eq(translated), "{korean:?}");
        }
    }
    let rest = |page: &Page| page.links.iter().filter(|link| !link.starts_with("README")).count();
    assert_eq!(rest(&korean), rest(&english), "links");
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading_in_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut broken = Vec::new();
    let documents = markdown_files(root);
    assert!(documents.len() > 8, "only {} documents were found", documents.len());
    for document in documents {
        let text = fs::read_to_string(&document).expect("a readable document");
        for link in Page::read(&text).links {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => document.clone(),
                path => document.parent().expect("a file is in a folder").join(path),
            };
            let there = target.exists() && (anchor.is_empty() || has_heading(&target, anchor));
            if !there {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_test_that_the_architecture_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut functions = BTreeSet::new();
    for file in rust_files(&root.join("src")).into_iter().chain(rust_files(&root.join("tests"))) {
        let text = fs::read_to_string(file).expect("a readable file");
        for rest in text.split("fn ").skip(1) {
            functions.insert(leading_name(rest).to_owned());
        }
    }
    let text = read("docs/ARCHITECTURE.md");
    let (_, section) =
        text.split_once("## Invariants, and what holds each").expect("the section is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = Page::read(section).rows;
    let named: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.get(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| leading_name(name) == *name)
        .collect();
    assert!(named.len() > 20, "only {} tests are named", named.len());
    let missing: Vec<_> = named.iter().filter(|name| !functions.contains(**name)).collect();
    assert!(missing.is_empty(), "no such test: {missing:?}");
}

#[test]
fn the_threat_model_weighs_every_secret() {
    let text = read("SECURITY.md");
    let rows = Page::read(&text).rows;
    for variable in variables::SECRETS.iter().chain([&&variables::REDIS_URL]) {
        let name = format!("`{}`", variable.name());
        assert!(rows.iter().any(|row| row[0].contains(&name)), "nothing of {name}");
    }
}

/// Columns of the table of variables: name, three roles, meaning.
const VARIABLE_COLUMNS: usize = 5;

struct VariableRow {
    name: String,
    needs: Vec<String>,
}

/// The rows of the table of variables; one that names two counts as two.
fn variable_rows(text: &str) -> Vec<VariableRow> {
    let rows = Page::read(text).rows.into_iter();
    rows.filter(|row| row.len() == VARIABLE_COLUMNS && row[0].starts_with('`'))
        .flat_map(|row| {
            let names = row[0].split(", ").map(|name| name.trim_matches('`').to_owned());
            let needs = row[1..4].to_vec();
            names.map(|name| VariableRow { name, needs: needs.clone() }).collect::<Vec<_>>()
        })
        .collect()
}

fn translate(cell: &str) -> &str {
    TRANSLATED.iter().find(|(english, _)| *english == cell).map_or(cell, |(_, korean)| korean)
}

/// What can be compared of a document.
#[derive(Default)]
struct Page {
    /// Whole code blocks, fences included.
    blocks: Vec<String>,
    /// Depth and text.
    headings: Vec<(usize, String)>,
    /// The cells of every row of a table, its head included.
    rows: Vec<Vec<String>>,
    /// Where links lead.
    links: Vec<String>,
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut block: Option<String> = None;
        for line in text.lines() {
            if let Some(open) = &mut block {
                open.push_str(line);
                open.push('\n');
                if line == "```" {
                    page.blocks.extend(block.take());
                }
            } else if line.starts_with("```") {
                block = Some(format!("{line}\n"));
            } else {
                page.read_prose(line);
            }
        }
        assert!(block.is_none(), "a code block is not closed");
        page
    }

    fn read_prose(&mut self, line: &str) {
        let depth = line.bytes().take_while(|byte| *byte == b'#').count();
        if depth > 0 && line[depth..].starts_with(' ') {
            self.headings.push((depth, line[depth + 1..].to_owned()));
        }
        let is_rule = line.chars().all(|char| "|-: ".contains(char));
        if let Some(row) = line.strip_prefix('|').and_then(|row| row.strip_suffix('|'))
            && !is_rule
        {
            // A bar in a cell is written `\|`.
            let row = row.replace("\\|", "\u{0}");
            let cell = |cell: &str| cell.trim().replace('\u{0}', "\\|");
            self.rows.push(row.split('|').map(cell).collect());
        }
        for rest in line.split("](").skip(1) {
            self.links.extend(rest.split(')').next().map(str::to_owned));
        }
    }
}

/// Whether a document has a heading whose anchor this is, as forges make them: lower case, spaces
/// as hyphens, no punctuation.
fn has_heading(document: &Path, anchor: &str) -> bool {
    let text = fs::read_to_string(document).unwrap_or_default();
    Page::read(&text).headings.iter().any(|(_, heading)| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let slug: String =
            kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect();
        slug == anchor
    })
}

/// The documents of the project: not what was built or installed.
fn markdown_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && name != "node_modules" && !name.starts_with('.') {
                files.extend(markdown_files(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    files
}

fn leading_name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
