//! Tables of text: columns as wide as their widest cell.

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A line for each row, its cells two spaces apart, without spaces at its end.
pub(crate) fn lines<const N: usize>(sides: [Side; N], rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells: [String; N] = std::array::from_fn(|column| {
            let (cell, width) = (&row[column], widths[column]);
            match sides[column] {
                Side::Left => format!("{cell:width$}"),
                Side::Right => format!("{cell:>width$}"),
            }
        });
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "1", "x"], ["größer", "1234567890123", ""]];
        let rows = rows.map(|row| row.map(str::to_owned));
        assert_eq!(
            lines([Side::Left, Side::Right, Side::Left], &rows),
            ["a                   1  x", "größer  1234567890123"]
        );
    }
}
