//! Lines, columns and colours.

use super::Style;

/// Columns of the labels at the left.
pub(super) const LABEL: usize = 11;

/// Colours with a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Doubtful,
    Heading,
}

/// Text as it grows.
pub(super) struct Page {
    style: Style,
    text: String,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            text: String::new(),
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// An empty line, never two.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A line as it is, without blanks at its end.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// `label  text`, wrapped at the width with the label's columns kept free.
    pub(super) fn labelled(&mut self, label: &str, text: &str) {
        self.labelled_in(label, None, text);
    }

    /// The same with the label in a colour.
    pub(super) fn labelled_in(&mut self, label: &str, tone: Option<Tone>, text: &str) {
        let width = self.style.width.saturating_sub(LABEL).max(20);
        for (place, part) in wrap(text, width).into_iter().enumerate() {
            let label = if place == 0 { label } else { "" };
            let padded = format!("{label:<LABEL$}");
            let label = tone
                .filter(|_| place == 0)
                .map_or_else(|| padded.clone(), |tone| self.paint(&padded, tone));
            self.line(&format!("{label}{part}"));
        }
    }

    /// `text` in a colour, where colours are wanted.
    pub(super) fn paint(&self, text: &str, tone: Tone) -> String {
        if !self.style.color {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Doubtful => "33",
            Tone::Heading => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Rows with columns as wide as their widest cell; the first `left` columns are aligned to the left.
    pub(super) fn table(&mut self, rows: &[Vec<String>], left: usize, indent: &str) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
        };
        let widths: Vec<usize> = (0..columns)
            .map(|column| width(column).unwrap_or(0))
            .collect();
        for row in rows {
            let cells = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| {
                    if column < left {
                        format!("{cell:<width$}")
                    } else {
                        format!("{cell:>width$}")
                    }
                });
            let line: Vec<String> = cells.collect();
            self.line(&format!("{indent}{}", line.join("  ")));
        }
    }
}

/// Breaks `text` at blanks into lines of at most `width` characters, where words are short enough; at least one line.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in words(text) {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(&word);
            used += length;
        }
    }
    lines
}

/// The words of `text`; a number and its unit are one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let is_unit =
            ["%", "us", "ms", "s"].contains(&word.trim_end_matches([',', ';', ':', ')', '.']));
        match words
            .last_mut()
            .filter(|before| is_unit && before.ends_with(|c: char| c.is_ascii_digit()))
        {
            Some(number) => {
                number.push(' ');
                number.push_str(word);
            }
            None => words.push(word.to_owned()),
        }
    }
    words
}

/// `text` cut to `width` characters, control characters made visible as blanks.
pub(super) fn cut(text: &str, width: usize) -> String {
    let clean: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let clean: String = clean
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if clean.chars().count() <= width {
        return clean;
    }
    let kept: String = clean.chars().take(width.saturating_sub(3)).collect();
    format!("{kept}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_blanks() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("below 12 %), done", 11), ["below", "12 %), done"]);
    }

    #[test]
    fn cuts_and_cleans() {
        assert_eq!(cut("a\nb\u{1b}[31m", 20), "a b [31m");
        assert_eq!(cut("0123456789", 8), "01234...");
    }
}
