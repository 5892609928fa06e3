//! Tables of a page.

use crate::markup::Markup;

/// A cell.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    class: &'static str,
}

impl Cell {
    /// Words.
    pub(crate) fn word(text: impl Into<String>) -> Self {
        let text = text.into();
        // Long ones may be broken, and not at every blank.
        let class = match text.chars().count() {
            0..=26 => "word whole",
            _ => "word long",
        };
        Self { text, class }
    }

    /// A number, at the right of its column.
    pub(crate) fn number(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            class: "number",
        }
    }

    /// A verdict in its colour.
    pub(crate) fn good(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            class: "word good",
        }
    }

    /// The same for what is bad.
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            class: "word bad",
        }
    }

    /// The same for what is open.
    pub(crate) fn doubtful(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            class: "word doubt",
        }
    }
}

/// Adds a table; a head of a column stands on the side on which the cells of the first row stand. Columns whose cells are
/// all empty are left out.
pub(crate) fn table(page: &mut Markup, head: &[&'static str], rows: &[Vec<Cell>]) {
    let is_used: Vec<bool> = (0..head.len())
        .map(|column| {
            rows.iter()
                .any(|row| row.get(column).is_some_and(|cell| !cell.text.is_empty()))
        })
        .collect();
    fn used<'a, T>(cells: &'a [T], is_used: &'a [bool]) -> impl Iterator<Item = (usize, &'a T)> {
        cells
            .iter()
            .enumerate()
            .filter(|(column, _)| is_used.get(*column) == Some(&true))
    }
    page.raw("<div class=\"scroll\"><table>\n<thead><tr>");
    for (column, name) in used(head, &is_used) {
        let class = rows
            .first()
            .and_then(|row| row.get(column))
            .map_or("word", |cell| cell.class);
        let side = if class == "number" { "number" } else { "word" };
        page.raw("<th scope=\"col\" class=\"")
            .raw(side)
            .raw("\">")
            .text(name)
            .raw("</th>");
    }
    page.raw("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.raw("<tr>");
        for (_, cell) in used(row, &is_used) {
            page.raw("<td class=\"")
                .raw(cell.class)
                .raw("\">")
                .text(&cell.text)
                .raw("</td>");
        }
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table></div>\n");
}

/// Adds pairs of a name and a value; those without a value are left out.
pub(crate) fn pairs(page: &mut Markup, pairs: &[(&'static str, String)]) {
    page.raw("<dl>\n");
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        page.raw("<div>")
            .element("<dt>", name, "</dt>")
            .element("<dd>", value, "</dd></div>\n");
    }
    page.raw("</dl>\n");
}
