use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use tester::builtin::WRITES;
use tester::domain::LanguageCode;

use crate::options::Options;

/// A program and the same with one bug put in by hand.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Program {
    pub(crate) id: String,
    pub(crate) language: LanguageCode,
    correct: String,
    buggy: String,
    /// Both once more, without what describes them.
    correct_bare: Option<String>,
    buggy_bare: Option<String>,
}

/// Which text of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Variant {
    /// With its description: docstrings, examples.
    Described,
    /// Without.
    Bare,
}

/// The versions of one variant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'p> {
    pub(crate) correct: &'p str,
    pub(crate) buggy: &'p str,
}

impl Variant {
    pub(crate) const ALL: [Self; 2] = [Self::Described, Self::Bare];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Described => "described",
            Self::Bare => "bare",
        }
    }
}

impl Program {
    /// All programs that the options name, in the order of their files.
    pub(crate) fn read(options: &Options) -> anyhow::Result<Vec<Self>> {
        let mut programs = Vec::new();
        for path in options.programs() {
            for file in files(&path)? {
                let found = Self::of_file(&file)?.into_iter().filter(|program| {
                    let language = program.language;
                    let asked = options.language.is_empty() || options.language.contains(&language);
                    let named = options.only.as_ref().is_none_or(|text| program.id.contains(text));
                    asked && named && WRITES.contains(&language)
                });
                programs.extend(spread(found.collect(), options.limit));
            }
        }
        Ok(programs)
    }

    pub(crate) fn pair(&self, variant: Variant) -> Option<Pair<'_>> {
        let (correct, buggy) = match variant {
            Variant::Described => (&self.correct, &self.buggy),
            Variant::Bare => (self.correct_bare.as_ref()?, self.buggy_bare.as_ref()?),
        };
        Some(Pair { correct, buggy })
    }

    fn of_file(file: &Path) -> anyhow::Result<Vec<Self>> {
        let text = fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(index, line)| {
                serde_json::from_str(line)
                    .with_context(|| format!("{} line {}", file.display(), index + 1))
            })
            .collect()
    }
}

fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).with_context(|| format!("{}", path.display()))?;
    let mut files: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .filter(|path: &anyhow::Result<PathBuf>| {
            path.as_ref().is_ok_and(|path| path.extension().is_some_and(|end| end == "jsonl"))
        })
        .collect::<anyhow::Result<_>>()?;
    files.sort();
    Ok(files)
}

/// At most so many, evenly spread.
fn spread<T>(all: Vec<T>, limit: Option<u32>) -> Vec<T> {
    let wanted = limit.map_or(all.len(), |limit| limit as usize).min(all.len());
    let count = all.len();
    let chosen = |index: &usize| (index * wanted) / count != ((index + 1) * wanted) / count;
    all.into_iter().enumerate().filter(|(index, _)| chosen(index)).map(|(_, one)| one).collect()
}
