//! Tables, for people at a terminal and in Markdown.

/// Columns side by side, without lines.
pub(crate) fn plain<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let (widths, heads) = measure(heads, rows);
    let line = |cells: &[String; N]| padded(cells, &widths).join("  ").trim_end().to_owned() + "\n";
    line(&heads) + &rows.iter().map(line).collect::<String>()
}

/// A table of Markdown that also reads well as text.
pub(crate) fn markdown<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows
        .iter()
        .map(|row| row.clone().map(|cell| cell.replace('|', "\\|")))
        .collect();
    let (widths, heads) = measure(heads, &rows);
    let line = |cells: &[String; N]| format!("| {} |\n", padded(cells, &widths).join(" | "));
    let rule = widths.map(|width| "-".repeat(width.max(3)));
    format!(
        "{}| {} |\n{}",
        line(&heads),
        rule.join(" | "),
        rows.iter().map(line).collect::<String>()
    )
}

fn measure<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> ([usize; N], [String; N]) {
    let heads = heads.map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().chain([&heads]).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    (std::array::from_fn(width), heads)
}

fn padded<const N: usize>(cells: &[String; N], widths: &[usize; N]) -> [String; N] {
    std::array::from_fn(|column| format!("{:<1$}", cells[column], widths[column]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_their_heads() {
        let rows = [["µs|x".to_owned(), "1".to_owned()]];
        assert_eq!(plain(["name", "n"], &rows), "name  n\nµs|x  1\n");
        assert_eq!(
            markdown(["name", "n"], &rows),
            "| name  | n |\n| ----- | --- |\n| µs\\|x | 1 |\n"
        );
    }
}
