//! Results as rows, for notebooks and spreadsheets: one a request, or one a stage, metric and percentile. What a column is
//! called ends in its unit.

mod requests;
mod stages;

pub use requests::RequestRows;
pub use stages::{columns as stage_columns, stage_rows};

use serde_json::{Map, Value, json};

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// Commas between cells (RFC 4180), the names of the columns in the first row. What is not known is empty, `+inf` is `inf`.
    Csv,
    /// One JSON object a line. What is not known is left out, `+inf` is `{"censored_above": s}`.
    JsonLines,
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    /// Not known.
    Nothing,
    Integer(u64),
    Number(f64),
    /// A latency that was never reached, and what it is known to exceed, in seconds.
    Never(f64),
    Flag(bool),
    Text(String),
}

impl Cell {
    fn integer(value: Option<impl Into<u64>>) -> Self {
        value.map_or(Self::Nothing, |value| Self::Integer(value.into()))
    }

    fn number(value: Option<f64>) -> Self {
        value.map_or(Self::Nothing, Self::Number)
    }

    fn text(value: Option<impl Into<String>>) -> Self {
        value.map_or(Self::Nothing, |value| Self::Text(value.into()))
    }
}

/// The names of columns as the first row; none where every row says them.
fn head<'a>(names: impl Iterator<Item = &'a str>, format: RowFormat) -> String {
    match format {
        RowFormat::JsonLines => String::new(),
        RowFormat::Csv => {
            let names: Vec<&str> = names.collect();
            format!("{}\n", names.join(","))
        }
    }
}

/// Adds a row to `text`.
fn row<'a>(text: &mut String, cells: impl Iterator<Item = (&'a str, Cell)>, format: RowFormat) {
    match format {
        RowFormat::Csv => {
            for (place, (_, cell)) in cells.enumerate() {
                if place > 0 {
                    text.push(',');
                }
                csv(text, &cell);
            }
        }
        RowFormat::JsonLines => {
            let entries = cells.filter_map(|(name, cell)| Some((name.to_owned(), value(cell)?)));
            let object: Map<String, Value> = entries.collect();
            text.push_str(&Value::Object(object).to_string());
        }
    }
    text.push('\n');
}

fn csv(text: &mut String, cell: &Cell) {
    match cell {
        Cell::Nothing => {}
        Cell::Integer(value) => text.push_str(&value.to_string()),
        Cell::Number(value) => text.push_str(&value.to_string()),
        Cell::Never(_) => text.push_str("inf"),
        Cell::Flag(value) => text.push_str(if *value { "true" } else { "false" }),
        Cell::Text(value) if value.contains([',', '"', '\n', '\r']) => {
            text.push('"');
            text.push_str(&value.replace('"', "\"\""));
            text.push('"');
        }
        Cell::Text(value) => text.push_str(value),
    }
}

fn value(cell: Cell) -> Option<Value> {
    Some(match cell {
        Cell::Nothing => return None,
        Cell::Integer(value) => value.into(),
        Cell::Number(value) => value.into(),
        Cell::Never(above) => json!({"censored_above": above}),
        Cell::Flag(value) => value.into(),
        Cell::Text(value) => value.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_read_back_as_they_were() {
        let cells = || {
            let text = Cell::Text("a \"b\",\nc".to_owned());
            let cells = [
                Cell::Nothing,
                Cell::Never(60.0),
                text,
                Cell::Number(0.1),
                Cell::Flag(true),
            ];
            ["none", "never", "text", "number", "flag"]
                .into_iter()
                .zip(cells)
        };
        let (mut csv, mut lines) = (String::new(), String::new());
        row(&mut csv, cells(), RowFormat::Csv);
        assert_eq!(csv, ",inf,\"a \"\"b\"\",\nc\",0.1,true\n");
        row(&mut lines, cells(), RowFormat::JsonLines);
        assert_eq!(
            serde_json::from_str::<Value>(&lines).unwrap_or_default(),
            json!({"never": {"censored_above": 60.0}, "text": "a \"b\",\nc", "number": 0.1, "flag": true})
        );
        assert_eq!(lines.matches('\n').count(), 1);
    }
}
