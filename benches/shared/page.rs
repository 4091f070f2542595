//! How figures are shown, and where they are kept: docs/benchmarks.md.

use std::path::Path;

use anyhow::Context as _;

/// A Markdown table that is readable as it is. The first row is its head; only the first column is
/// words.
pub(crate) fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let widths: Vec<usize> = (0..COLUMNS)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(2))
        .collect();
    let mut lines: Vec<String> = rows.iter().map(|row| line(row, &widths)).collect();
    let dashes = widths.iter().enumerate().map(|(column, &width)| match column {
        0 => format!(":{}", "-".repeat(width - 1)),
        _ => format!("{}:", "-".repeat(width - 1)),
    });
    lines.insert(lines.len().min(1), line(&dashes.collect::<Vec<_>>(), &widths));
    lines.join("\n")
}

/// Three significant digits where it matters, none behind the point of large numbers.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Prints the tables, and keeps the JSON in the file or prints it too.
pub(crate) fn show(tables: &str, json: &str, file: Option<&Path>) -> anyhow::Result<()> {
    println!("{tables}");
    let Some(file) = file else {
        print!("\n{json}");
        return Ok(());
    };
    std::fs::write(file, json).with_context(|| format!("{}", file.display()))
}

/// Puts this in place of a benchmark's last run in docs/benchmarks.md.
pub(crate) fn keep(benchmark: &str, text: &str) -> anyhow::Result<()> {
    let begin = format!("<!-- bench {benchmark}: last run -->");
    let end = format!("<!-- bench {benchmark}: end -->");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md");
    let page = std::fs::read_to_string(&path).context("reading docs/benchmarks.md")?;
    let (before, rest) = page.split_once(&begin).context("docs/benchmarks.md: no begin mark")?;
    let (_, after) = rest.split_once(&end).context("docs/benchmarks.md: no end mark")?;
    let page = format!("{before}{begin}\n\n{text}\n\n{end}{after}");
    std::fs::write(&path, page).context("writing docs/benchmarks.md")
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths).enumerate().map(|(column, (cell, &width))| {
        let gap = " ".repeat(width - cell.chars().count());
        if column == 0 { format!("{cell}{gap}") } else { format!("{gap}{cell}") }
    });
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}
