//! The only way in which a value gets into a text: serialised, never pasted.

use serde::Serialize;

/// `value` as a YAML document that YAML 1.1 and 1.2 read alike.
///
/// # Errors
/// When the value cannot be serialised.
pub fn to_yaml<T: Serialize>(value: &T) -> Result<String, serde_yaml::SerializeError> {
    // Folded text would be right, and hard to search and to compare.
    let options =
        serde_yaml::ser_options! { prefer_block_scalars: false, compact_list_indent: false };
    serde_yaml::to_string_with_options(value, options)
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
            serde_json::to_string(value).map_err(|error| error.to_string())
        } else {
            let text = to_yaml(value).map_err(|error| error.to_string())?;
            Ok(text.trim_end_matches('\n').to_owned())
        };
    };
    if let Some(text) = value.text() {
        return match literal_block(&text, indent) {
            Some(block) => Ok(block),
            None => serde_json::to_string(&text).map_err(|error| error.to_string()),
        };
    }
    let text = to_yaml(value).map_err(|error| error.to_string())?;
    Ok(indented(text.trim_end_matches('\n'), indent))
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
    let is_plain = |c: char| {
        c == '\n'
            || c == '\t'
            || !(c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'))
    };
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
            text().prop_map(Json::from),
        ];
        scalar.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map(key(), inner, 0..4)
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
        ]
    }

    /// A line that begins with a space other than ASCII's is refused by our reader, as a slip of the keyboard.
    fn key() -> impl Strategy<Value = String> {
        text().prop_filter("begins with an odd space", |text| {
            !text.starts_with(|c: char| !c.is_ascii() && c.is_whitespace())
        })
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
            prop_assert_eq!(&read(&to_yaml(&value).unwrap()), &value);
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
    }
}
