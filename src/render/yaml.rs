//! The only way in which a value gets into a text: serialised, never pasted.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

/// `value` as a YAML document that YAML 1.1 and 1.2 read alike.
///
/// # Errors
/// When the value cannot be serialised.
pub fn to_yaml<T: Serialize>(value: &T) -> Result<String, serde_yaml::SerializeError> {
    // Folded text would be right, and hard to search and to compare.
    let options =
        serde_yaml::ser_options! { prefer_block_scalars: false, compact_list_indent: false };
    serde_yaml::to_string_with_options(value, options).map(with_quotes)
}

/// The same with quotes around each key that begins with what looks like a space: at the start of a line our reader takes it
/// for a slip of the keyboard. The writer leaves those keys bare that hold no colon and nothing to be escaped but in quotes.
fn with_quotes(text: String) -> String {
    const ODD: [char; 2] = ['\u{a0}', '\u{3000}'];
    if !text.contains(ODD) {
        return text;
    }
    let quoted = |line: &str| {
        let mut rest = line.trim_start_matches(' ');
        while let Some(inner) = ["- ", "? ", ": "]
            .iter()
            .find_map(|of| rest.strip_prefix(of))
        {
            rest = inner.trim_start_matches(' ');
        }
        let before = line.strip_suffix(rest).unwrap_or_default();
        let key = match rest.split_once(':') {
            Some((key, after)) if after.is_empty() || after.starts_with(' ') => key,
            None if before.ends_with("? ") => rest,
            Some(_) | None => "",
        };
        if !key.starts_with(ODD) {
            return format!("{line}\n");
        }
        let escaped = key.replace('\\', r"\\").replace('"', r#"\""#);
        let after = rest.strip_prefix(key).unwrap_or_default();
        format!("{before}\"{escaped}\"{after}\n")
    };
    text.lines().map(quoted).collect()
}

/// A value inside a template. Without `indent`: a scalar, or a flow collection as JSON. With it: every line of a block,
/// indented; a text of several lines becomes a literal block.
pub(super) fn in_template<T: Serialize + AsText>(
    value: &T,
    indent: Option<usize>,
) -> Result<String, String> {
    let Some(indent) = indent.filter(|_| value.text().is_none_or(|text| text.contains('\n')))
    else {
        return if value.is_collection() {
            flow(value)
        } else {
            let text = to_yaml(value).map_err(|error| error.to_string())?;
            Ok(text.trim_end_matches('\n').to_owned())
        };
    };
    if let Some(text) = value.text() {
        return match literal_block(&text, indent) {
            Some(block) => Ok(block),
            None => flow(&text),
        };
    }
    let text = to_yaml(value).map_err(|error| error.to_string())?;
    Ok(indented(text.trim_end_matches('\n'), indent))
}

/// JSON on one line that is YAML, too.
fn flow<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Flow);
    value
        .serialize(&mut serializer)
        .map_err(|error| error.to_string())?;
    String::from_utf8(text).map_err(|error| error.to_string())
}

/// JSON without what YAML, or YAML 1.1, reads otherwise.
struct Flow;

impl Formatter for Flow {
    /// `1e300` is a text to YAML 1.1, which wants a point and a sign: `1.0e+300`.
    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let text = to_yaml(&value).map_err(io::Error::other)?;
        writer.write_all(text.trim_end().as_bytes())
    }

    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for part in fragment.split_inclusive(is_odd) {
            let odd = part.chars().next_back().filter(|&c| is_odd(c));
            let plain = part.len() - odd.map_or(0, char::len_utf8);
            writer.write_all(&part.as_bytes()[..plain])?;
            if let Some(odd) = odd {
                write!(writer, "\\u{:04x}", u32::from(odd))?;
            }
        }
        Ok(())
    }
}

/// Characters that JSON allows bare, and some YAML does not or takes for the end of a line.
fn is_odd(c: char) -> bool {
    matches!(
        c,
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    )
}

/// What a template's value is.
pub(super) trait AsText {
    /// The text, when it is one.
    fn text(&self) -> Option<String>;
    /// Whether it is a list or a mapping.
    fn is_collection(&self) -> bool;
}

/// `|` and the lines of `text`; none when a literal block would not give back the same text.
fn literal_block(text: &str, indent: usize) -> Option<String> {
    let chomp = match text.strip_suffix('\n') {
        Some(body) if !body.is_empty() && !body.ends_with('\n') => "",
        Some(_) => return None,
        None => "-",
    };
    let is_plain = |c: char| matches!(c, '\n' | '\t') || !(c.is_control() || is_odd(c));
    let starts_plainly = !text.starts_with([' ', '\n', '\t']);
    if text.is_empty() || !starts_plainly || !text.chars().all(is_plain) {
        return None;
    }
    Some(format!(
        "|{chomp}\n{}",
        indented(text.trim_end_matches('\n'), indent)
    ))
}

fn indented(text: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let mut lines = String::with_capacity(text.len() + 64);
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            lines.push('\n');
        }
        if !line.is_empty() {
            lines.push_str(&margin);
            lines.push_str(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use bench_yaml::{ParseOptions, Source, parse};
    use minijinja::value::{Serde, Value};
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;

    /// What a reader finds; the same under YAML 1.1 and 1.2, or the test fails.
    fn read(text: &str) -> Json {
        let parsed = parse(&Source::new("test", text), &ParseOptions::default());
        assert_eq!(parsed.problems, [], "{text}");
        let lenient = parse(&Source::new("test", text), &ParseOptions::lenient());
        assert_eq!(lenient.documents, parsed.documents, "{text}");
        parsed
            .documents
            .first()
            .map_or(Json::Null, bench_yaml::Node::to_json)
    }

    fn anything() -> impl Strategy<Value = Json> {
        let scalar = prop_oneof![
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            (-1e300..1e300).prop_map(Json::from),
            text().prop_map(Json::from),
        ];
        scalar.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map(text(), inner, 0..4)
                    .prop_map(|entries| Json::Object(entries.into_iter().collect())),
            ]
        })
    }

    /// Texts that a careless writer breaks.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            r##"[-+0-9:._exonyYaN~<=*&!%@`|>'"#,{}\[\] \n\t]{0,12}"##,
            r"[a-z ]{0,100}\n?[a-z]{0,5}\n*",
            r#"[\u{a0}\u{3000}][a:?" \\\u{3000}-]{0,4}"#,
            r"[\u{a0}\u{3000}][a: ]{1030}",
            r"[a\n \u{7f}-\u{a0}\u{2027}-\u{202a}\u{fefe}-\u{ffff}]{0,6}",
        ]
    }

    proptest! {
        #[test]
        fn whatever_goes_in_comes_out(value in anything()) {
            let template = Value::from(Serde(&value));
            let block = in_template(&template, Some(4)).unwrap();
            let text = match &value {
                Json::Array(_) | Json::Object(_) => format!("a:\n{block}\nb: 1\n"),
                _ => format!("a: {block}\nb: 1\n"),
            };
            prop_assert_eq!(&read(&text)["a"], &value, "{}", text);
            let flow = in_template(&template, None).unwrap();
            prop_assert_eq!(&read(&format!("a: {flow}\n"))["a"], &value, "{}", flow);
            let text = to_yaml(&value).unwrap();
            prop_assert_eq!(&read(&text), &value, "{}", text);
        }
    }

    #[test]
    fn scripts_and_configs_stay_readable() {
        let block = in_template(&Value::from("a: 1\n\nb: 2\n"), Some(2)).unwrap();
        assert_eq!(block, "|\n  a: 1\n\n  b: 2");
        assert_eq!(
            in_template(&Value::from("--flag"), Some(2)).unwrap(),
            "--flag"
        );
        assert_eq!(
            in_template(&Value::from(Serde(json!(["sh", "-c"]))), None).unwrap(),
            r#"["sh","-c"]"#
        );
        assert_eq!(
            in_template(&Value::from(Serde(json!([1e300, "\u{7f}"]))), None).unwrap(),
            r#"[1.0e+300,"\u007f"]"#
        );
    }
}
