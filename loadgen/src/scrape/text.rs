//! Prometheus' text format, and OpenMetrics as far as it is the same: a sample a line, read without copying it.

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its labels, as they are written between the braces.
    labels: &'a str,
    /// Its value; may be infinite or NaN.
    pub(super) value: f64,
}

impl<'a> Sample<'a> {
    /// Its labels, each with its value as it is written: escapes stay.
    pub(super) fn labels(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut rest = self.labels;
        std::iter::from_fn(move || {
            let (name, value) = rest.split_once('=')?;
            let value = value.trim_start().strip_prefix('"')?;
            let end = end_of_quoted(value)?;
            let (value, after) = value.split_at(end);
            rest = after.get(1..)?.trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest);
            Some((name.trim(), value))
        })
    }

    /// The value of one label.
    pub(super) fn label(&self, wanted: &str) -> Option<&'a str> {
        let mut labels = self.labels();
        labels
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value)
    }
}

/// The samples of a page. Comments, and lines that are none of the format, are passed over.
pub(super) fn samples(page: &str) -> impl Iterator<Item = Sample<'_>> {
    page.lines().filter_map(sample)
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let line = line.trim_start();
    let end = line.find(|c: char| !is_in_name(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start();
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => {
            let end = end_of_labels(inside)?;
            (&inside[..end], &inside[end + 1..])
        }
        None if rest.len() < line.len() - end => ("", rest),
        // A name and nothing after it.
        None => return None,
    };
    // A timestamp may follow, and in OpenMetrics an exemplar.
    let value = rest.split_ascii_whitespace().next()?;
    Some(Sample {
        name,
        labels,
        value: number(value)?,
    })
}

fn is_in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':' || c == '.'
}

/// Where the brace that ends labels is.
fn end_of_labels(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        let next = rest.find(['"', '}'])?;
        if rest[next..].starts_with('}') {
            return Some(at + next);
        }
        let quoted = at + next + 1;
        at = quoted + end_of_quoted(text.get(quoted..)?)? + 1;
    }
}

/// Where the quote that ends a label's value is.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}

fn number(text: &str) -> Option<f64> {
    // Go, which the format is from, knows these; Rust reads the same, and `infinity` too.
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Name, labels, value.
    type Read<'a> = (&'a str, Vec<(&'a str, &'a str)>, f64);

    fn one(line: &str) -> Option<Read<'_>> {
        let mut all = samples(line);
        let found = all.next()?;
        assert_eq!(all.next(), None);
        Some((found.name, found.labels().collect(), found.value))
    }

    #[test]
    fn samples_are_read_as_prometheus_reads_them() {
        assert_eq!(one("a 1"), Some(("a", vec![], 1.0)));
        assert_eq!(
            one("vllm:x_total{engine=\"0\",model_name=\"a}b\\\"c\"} 12.5 1700000000000"),
            Some((
                "vllm:x_total",
                vec![("engine", "0"), ("model_name", "a}b\\\"c")],
                12.5
            ))
        );
        // Blanks, a comma at the end, no labels in the braces, an exemplar.
        assert_eq!(
            one("  a { x = \"1\" , y=\"\" , } -2e3\r"),
            Some(("a", vec![("x", "1"), ("y", "")], -2000.0))
        );
        assert_eq!(one("a{} 3"), Some(("a", vec![], 3.0)));
        assert_eq!(
            one("a_bucket{le=\"1\"} 4 # {trace=\"t\"} 0.5 1.7e9"),
            Some(("a_bucket", vec![("le", "1")], 4.0))
        );
        assert_eq!(one("a +Inf").map(|found| found.2), Some(f64::INFINITY));
        assert!(one("a NaN").is_some_and(|found| found.2.is_nan()));
        assert_eq!(
            samples("a{x=\"1\",y=\"2\"} 1").next().unwrap().label("y"),
            Some("2")
        );
    }

    #[test]
    fn what_is_no_sample_is_passed_over() {
        for line in [
            "",
            "# HELP a b",
            "# EOF",
            "a",
            "a ",
            "a b",
            "1a 2",
            "{\"a.b\"} 1",
            "a{x=\"1\" 2",
            "a{x=\"1} 2",
            "<!doctype html>",
            "{\"error\": 404}",
        ] {
            assert_eq!(one(line), None, "{line}");
        }
        assert_eq!(samples("# c\na 1\nbroken{\nb 2\n").count(), 2);
    }

    fn label_value() -> impl Strategy<Value = String> {
        // Every character that matters to the format, and some others.
        prop::collection::vec(
            prop::sample::select(vec![
                'a', '"', '\\', '{', '}', ',', '=', ' ', '#', '\n', 'é',
            ]),
            0..8,
        )
        .prop_map(|letters| letters.into_iter().collect())
    }

    fn escaped(value: &str) -> String {
        value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            name in "[a-z_:][a-z0-9_:]{0,12}",
            labels in prop::collection::vec(("[a-z_]{1,6}", label_value()), 0..4),
            value in prop::num::f64::ANY,
            stamp in prop::option::of(0..2_000_000_000_000_i64),
        ) {
            let written: Vec<(String, String)> =
                labels.iter().map(|(name, value)| (name.clone(), escaped(value))).collect();
            let inside: Vec<String> = written.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            let stamp = stamp.map_or_else(String::new, |stamp| format!(" {stamp}"));
            let line = format!("# TYPE {name} gauge\n{name}{{{}}} {value:?}{stamp}\n", inside.join(","));
            let found: Vec<Sample<'_>> = samples(&line).collect();
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].name, &name);
            let read: Vec<(String, String)> =
                found[0].labels().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            prop_assert_eq!(read, written);
            prop_assert!(found[0].value == value || value.is_nan());
        }

        #[test]
        fn nothing_that_a_server_may_send_is_too_much(page in any::<Vec<u8>>(), line in ".{0,60}") {
            let page = String::from_utf8_lossy(&page);
            for text in [&*page, &*line, &*format!("a{{{line}"), &*format!("a{{x=\"{line}\"}} 1")] {
                for sample in samples(text) {
                    prop_assert!(sample.labels().count() <= text.len());
                }
            }
        }
    }
}
