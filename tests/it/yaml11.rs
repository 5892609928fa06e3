//! YAML 1.1 as its specification and its type repository (yaml.org/type) have it, read here without a line of the product's
//! own reader or writer: what kubectl, Helm and PyYAML may take a printed scalar for.
//!
//! Only the structure comes from the event parser that the product uses, too; `tests/real` compares that with PyYAML.

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::Value as Json;

/// What YAML 1.1 takes a scalar for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Timestamp,
    /// `<<`, as a key.
    Merge,
    /// `=`, the default value of a mapping.
    Default,
    Text(String),
}

/// A document, or a part of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

/// The documents of a text, or why a reader of YAML 1.1 stumbles.
pub(crate) fn read(text: &str) -> Result<Vec<Node>, String> {
    if let Some(bad) = text.chars().find(|&c| !is_plain(c)) {
        return Err(format!("{bad:?} must be escaped"));
    }
    // With its defaults the parser holds keys to the 1024 characters that YAML 1.1 allows them.
    let (mut open, mut documents): (Vec<Vec<Node>>, Vec<Node>) = (Vec::new(), Vec::new());
    for event in Parser::new_from_str(text) {
        let node = match event.map_err(|error| error.to_string())?.0 {
            Event::Scalar(text, ScalarStyle::Plain, 0, None) => Node::Scalar(resolve(&text)),
            Event::Scalar(text, _, 0, None) => Node::Scalar(Scalar::Text(text.into_owned())),
            Event::SequenceStart(_, 0, None) | Event::MappingStart(_, 0, None) => {
                open.push(Vec::new());
                continue;
            }
            Event::SequenceEnd => Node::Sequence(open.pop().ok_or("unbalanced")?),
            Event::MappingEnd => {
                let mut pairs = Vec::new();
                let mut nodes = open.pop().ok_or("unbalanced")?.into_iter();
                while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
                    pairs.push((key, value));
                }
                Node::Mapping(pairs)
            }
            Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::DocumentEnd
            | Event::Comment(..) => continue,
            other => return Err(format!("{other:?} is never written")),
        };
        open.last_mut().unwrap_or(&mut documents).push(node);
    }
    Ok(documents)
}

/// The text of a node as JSON, when YAML 1.1 reads just that.
pub(crate) fn same(node: &Node, json: &Json) -> Result<(), String> {
    let differs = || Err(format!("{node:?} in YAML 1.1, {json} in YAML 1.2"));
    match (node, json) {
        (Node::Scalar(Scalar::Null), Json::Null) => Ok(()),
        (Node::Scalar(Scalar::Bool(old)), Json::Bool(new)) if old == new => Ok(()),
        (Node::Scalar(Scalar::Text(old)), Json::String(new)) if old == new => Ok(()),
        (Node::Scalar(Scalar::Int(old)), Json::Number(new))
            if new.as_i128() == Some(*old) && !new.is_f64() =>
        {
            Ok(())
        }
        (Node::Scalar(Scalar::Float(old)), Json::Number(new))
            if new.is_f64() && new.as_f64() == Some(*old) =>
        {
            Ok(())
        }
        (Node::Sequence(old), Json::Array(new)) if old.len() == new.len() => old
            .iter()
            .zip(new)
            .try_for_each(|(old, new)| same(old, new)),
        (Node::Mapping(old), Json::Object(new)) if old.len() == new.len() => old
            .iter()
            .zip(new)
            .try_for_each(|((key, old), (name, new))| {
                same(key, &Json::String(name.clone()))?;
                same(old, new).map_err(|why| format!("{name}: {why}"))
            }),
        _ => differs(),
    }
}

/// Whether YAML 1.1 lets a character stand as it is, and takes it for no line break (as it does U+0085, U+2028 and U+2029).
fn is_plain(c: char) -> bool {
    matches!(c, '\n' | '\t' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// The type of a plain scalar.
pub(crate) fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        "<<" => return Scalar::Merge,
        "=" => return Scalar::Default,
        _ => {}
    }
    if is_timestamp(text) {
        return Scalar::Timestamp;
    }
    let (sign, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    };
    integer(unsigned)
        .map(|value| Scalar::Int(sign * value))
        .or_else(|| float(unsigned).map(|value| Scalar::Float(f64::from(sign as i8) * value)))
        .or_else(|| matches!(text, ".nan" | ".NaN" | ".NAN").then_some(Scalar::Float(f64::NAN)))
        .unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

/// <https://yaml.org/type/int.html>, without its sign.
fn integer(unsigned: &str) -> Option<i128> {
    let all = |text: &str, is_digit: fn(char) -> bool| {
        !text.is_empty() && text.chars().all(|c| c == '_' || is_digit(c))
    };
    let value = |digits: &str, radix| i128::from_str_radix(&digits.replace('_', ""), radix).ok();
    let is_octal: fn(char) -> bool = |c| matches!(c, '0'..='7');
    if let Some(digits) = unsigned.strip_prefix("0b") {
        return all(digits, |c| matches!(c, '0' | '1')).then(|| value(digits, 2))?;
    }
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return all(digits, |c| c.is_ascii_hexdigit()).then(|| value(digits, 16))?;
    }
    if unsigned == "0" {
        return Some(0);
    }
    if let Some(digits) = unsigned.strip_prefix('0') {
        return all(digits, is_octal).then(|| value(digits, 8))?;
    }
    let (first, sixtieths) = match unsigned.split_once(':') {
        Some((first, rest)) => (first, Some(rest)),
        None => (unsigned, None),
    };
    let is_first =
        first.starts_with(|c: char| c.is_ascii_digit()) && all(first, |c| c.is_ascii_digit());
    if !is_first {
        return None;
    }
    base_60(value(first, 10)?, sixtieths)
}

/// <https://yaml.org/type/float.html>, without its sign. Behind the point it allows `[0-9.]*` and shows `230_15`: both are
/// taken to the letter, and `1.2.3` is a number that nobody can read.
fn float(unsigned: &str) -> Option<f64> {
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Some(f64::INFINITY);
    }
    let (whole, rest) = unsigned.split_once('.')?;
    let is_whole = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_digit() || c == '_')
    };
    if let Some((first, sixtieths)) = whole.split_once(':') {
        let is_fraction = rest.chars().all(|c| c.is_ascii_digit() || c == '_');
        let first = is_whole(first).then(|| first.replace('_', "").parse().ok())??;
        let total = base_60(first, Some(sixtieths)).filter(|_| is_fraction)?;
        return format!("{total}.{}", rest.replace('_', "")).parse().ok();
    }
    let (fraction, exponent) = match rest.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (rest, None),
    };
    let is_exponent = |text: &str| {
        text.strip_prefix(['-', '+'])
            .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()))
    };
    let fits = (whole.is_empty() || is_whole(whole))
        && fraction
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | '_'))
        && exponent.is_none_or(is_exponent);
    let digits = format!("0{whole}.{fraction}0e{}", exponent.unwrap_or("0")).replace('_', "");
    fits.then(|| digits.parse().unwrap_or(f64::NAN))
}

/// `first` and what follows it in base 60: `:30:45`.
fn base_60(first: i128, sixtieths: Option<&str>) -> Option<i128> {
    let Some(sixtieths) = sixtieths else {
        return Some(first);
    };
    sixtieths.split(':').try_fold(first, |total, part| {
        let is_part = matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
        total
            .checked_mul(60)?
            .checked_add(part.parse().ok().filter(|_| is_part)?)
    })
}

/// <https://yaml.org/type/timestamp.html>
fn is_timestamp(text: &str) -> bool {
    let mut rest = text;
    let digits = |least: usize, most: usize, rest: &mut &str| {
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        *rest = &rest[count..];
        (least..=most).contains(&count)
    };
    let skip = |c: char, rest: &mut &str| match rest.strip_prefix(c) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    };
    let day = digits(4, 4, &mut rest)
        && skip('-', &mut rest)
        && digits(1, 2, &mut rest)
        && skip('-', &mut rest)
        && digits(1, 2, &mut rest);
    if !day {
        return false;
    }
    if rest.is_empty() {
        return text.len() == "2001-12-14".len();
    }
    let blank = |rest: &mut &str| *rest = rest.trim_start_matches([' ', '\t']);
    let before = rest;
    blank(&mut rest);
    if before == rest && !skip('T', &mut rest) && !skip('t', &mut rest) {
        return false;
    }
    let time = digits(1, 2, &mut rest)
        && skip(':', &mut rest)
        && digits(2, 2, &mut rest)
        && skip(':', &mut rest)
        && digits(2, 2, &mut rest);
    if !time {
        return false;
    }
    if skip('.', &mut rest) {
        digits(0, usize::MAX, &mut rest);
    }
    blank(&mut rest);
    match rest.strip_prefix(['-', '+']) {
        None => matches!(rest, "" | "Z"),
        Some(mut zone) => {
            digits(1, 2, &mut zone)
                && (zone.is_empty()
                    || skip(':', &mut zone) && digits(2, 2, &mut zone) && zone.is_empty())
        }
    }
}

#[test]
fn the_examples_of_the_type_repository() {
    for (text, expected) in [
        ("685230", Scalar::Int(685_230)),
        ("+685_230", Scalar::Int(685_230)),
        ("02472256", Scalar::Int(685_230)),
        ("0x_0A_74_AE", Scalar::Int(685_230)),
        ("0b1010_0111_0100_1010_1110", Scalar::Int(685_230)),
        ("190:20:30", Scalar::Int(685_230)),
        ("-0", Scalar::Int(0)),
        ("00", Scalar::Int(0)),
        ("12:30", Scalar::Int(750)),
        ("6.8523015e+5", Scalar::Float(685_230.15)),
        ("685.230_15e+03", Scalar::Float(685_230.15)),
        ("685_230.15", Scalar::Float(685_230.15)),
        ("190:20:30.15", Scalar::Float(685_230.15)),
        ("-.inf", Scalar::Float(f64::NEG_INFINITY)),
        (".5", Scalar::Float(0.5)),
        ("5.", Scalar::Float(5.0)),
        ("y", Scalar::Bool(true)),
        ("NO", Scalar::Bool(false)),
        ("~", Scalar::Null),
        ("", Scalar::Null),
        ("<<", Scalar::Merge),
        ("=", Scalar::Default),
        ("2001-12-15T02:59:43.1Z", Scalar::Timestamp),
        ("2001-12-14t21:59:43.10-05:00", Scalar::Timestamp),
        ("2001-12-14 21:59:43.10 -5", Scalar::Timestamp),
        ("2001-12-15 2:59:43.10", Scalar::Timestamp),
        ("2002-12-14", Scalar::Timestamp),
    ] {
        assert_eq!(resolve(text), expected, "{text}");
    }
    for text in [
        "1e3",
        "1e+3",
        "08",
        "0o17",
        "-",
        "+",
        "_1",
        "0x",
        "12:60",
        "012:30",
        "1.0e3",
        "2002-1-1",
        "2002-12-14 1:2:3",
        "yEs",
        "nULL",
        ".",
        "10.0.0.1x",
        "inf",
        "60e6831",
    ] {
        let expected = if text == "." {
            Scalar::Float(0.0)
        } else {
            Scalar::Text(text.to_owned())
        };
        assert_eq!(resolve(text), expected, "{text}");
    }
    assert!(matches!(resolve("1.2.3"), Scalar::Float(number) if number.is_nan()));
    assert!(matches!(resolve(".NaN"), Scalar::Float(number) if number.is_nan()));
}

#[test]
fn structures_are_read_and_odd_characters_refused() {
    let read_one = |text: &str| read(text).unwrap().remove(0);
    let text = |text: &str| Node::Scalar(Scalar::Text(text.to_owned()));
    assert_eq!(
        read_one("a: [1, 'yes', {b: yes}]\n"),
        Node::Mapping(vec![(
            text("a"),
            Node::Sequence(vec![
                Node::Scalar(Scalar::Int(1)),
                text("yes"),
                Node::Mapping(vec![(text("b"), Node::Scalar(Scalar::Bool(true)))]),
            ])
        )])
    );
    assert!(same(&read_one("{a: 12:30}"), &serde_json::json!({"a": "12:30"})).is_err());
    assert!(same(&read_one("{on: 1}"), &serde_json::json!({"on": 1})).is_err());
    assert!(same(&read_one("{a: 1}"), &serde_json::json!({"a": 1.0})).is_err());
    assert!(same(&read_one("{a: 1.5}"), &serde_json::json!({"a": 1.5})).is_ok());
    for bad in [
        "a: \u{2028}b",
        "\u{feff}a: b",
        "a: \u{7f}",
        "a: &x 1",
        &format!("{}: 1", "k".repeat(1025)),
    ] {
        assert!(read(bad).is_err(), "{bad:?}");
    }
}
