//! What a plain scalar says: by the YAML 1.2 core schema, and by the YAML 1.1 readers of Helm, kubectl and PyYAML.

use crate::node::Value;

/// What a reader takes a plain scalar for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reading {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    /// Infinity or not-a-number, written as such.
    NotFinite,
    /// A number beyond every number type here.
    OutOfRange,
    /// Digits beyond 64 bits: as a float they would lose some. The float that they would become.
    LongInteger(f64),
    Text,
}

impl Reading {
    /// The value of the reading; `text` is the scalar itself. Readings that JSON cannot hold are null.
    pub(crate) fn into_value(self, text: &str) -> Value {
        match self {
            Self::Null | Self::NotFinite | Self::OutOfRange => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::UInt(value) => Value::UInt(value),
            Self::Float(value) | Self::LongInteger(value) => Value::Float(value),
            Self::Text => Value::String(text.to_owned()),
        }
    }

    /// The reading in words, for messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => format!("the boolean {value}"),
            Self::Int(value) => format!("the number {value}"),
            Self::UInt(value) => format!("the number {value}"),
            Self::Float(value) | Self::LongInteger(value) => format!("the number {value}"),
            Self::NotFinite | Self::OutOfRange => "no finite number".to_owned(),
            Self::Text => "a string".to_owned(),
        }
    }
}

/// YAML 1.2 core schema, section 10.3.2 of the specification.
pub(crate) fn core(text: &str) -> Reading {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Reading::Null,
        "true" | "True" | "TRUE" => return Reading::Bool(true),
        "false" | "False" | "FALSE" => return Reading::Bool(false),
        _ => {}
    }
    if is_not_finite(text) {
        return Reading::NotFinite;
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(false, digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(false, digits, 16);
    }
    let (negative, unsigned) = split_sign(text);
    if is_digits(unsigned) {
        return radix(negative, unsigned, 10);
    }
    if is_core_float(unsigned) {
        float(text)
    } else {
        Reading::Text
    }
}

/// YAML 1.1 as its common readers implement it (go-yaml v2 in Helm and kubectl, PyYAML in inference-perf). Where those
/// two differ from each other, the specification of YAML 1.1 decides: `y` is a boolean, `12:30` is 750, `0o17` a string.
pub(crate) fn yaml11(text: &str) -> Reading {
    match read_yaml11(text) {
        // A commit hash such as `60e6831`, say: its readers fall back to the text.
        Reading::OutOfRange => Reading::Text,
        reading => reading,
    }
}

fn read_yaml11(text: &str) -> Reading {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Reading::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Reading::Bool(false),
        _ => {}
    }
    let (negative, unsigned) = split_sign(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return core(text);
    }
    if let Some(digits) = unsigned.strip_prefix("0b") {
        return radix(negative, &digits.replace('_', ""), 2);
    }
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return radix(negative, &digits.replace('_', ""), 16);
    }
    if unsigned.starts_with("0o") {
        return Reading::Text;
    }
    if let Some(reading) = sexagesimal(negative, unsigned) {
        return reading;
    }
    let plain = unsigned.replace('_', "");
    if is_digits(&plain) {
        let octal = plain.len() > 1 && plain.starts_with('0');
        return match octal {
            true if plain.bytes().all(|digit| digit < b'8') => radix(negative, &plain, 8),
            true => Reading::Text,
            false => radix(negative, &plain, 10),
        };
    }
    // An underscore may stand anywhere but first.
    match unsigned.starts_with('_') {
        false if is_core_float(&plain) => {
            float(&format!("{}{plain}", if negative { "-" } else { "" }))
        }
        false if plain != unsigned => Reading::Text,
        _ => core(text),
    }
}

/// Whether the scalar is a sexagesimal number of YAML 1.1 (`12:30`), which go-yaml and YAML 1.2 take for a string.
pub(crate) fn is_sexagesimal(text: &str) -> bool {
    let (negative, unsigned) = split_sign(text);
    sexagesimal(negative, unsigned).is_some()
}

fn sexagesimal(negative: bool, unsigned: &str) -> Option<Reading> {
    let (first, rest) = unsigned.split_once(':')?;
    let (whole, fraction) = match rest.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (rest, None),
    };
    // As an integer it may not start with a zero; as a float it may.
    let first_ok =
        is_digits(&first.replace('_', "")) && (fraction.is_some() || !first.starts_with('0'));
    let is_sixtieth = |part: &str| {
        is_digits(part) && part.len() <= 2 && part.parse::<u8>().is_ok_and(|sixtieth| sixtieth < 60)
    };
    if !first_ok || first.starts_with('_') || !whole.split(':').all(is_sixtieth) {
        return None;
    }
    let mut total: i64 = first.replace('_', "").parse().ok()?;
    for part in whole.split(':') {
        total = total.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    let sign = if negative { -1 } else { 1 };
    match fraction {
        None => Some(Reading::Int(sign * total)),
        Some(digits) if digits.is_empty() || is_digits(digits) => {
            let sign = if negative { "-" } else { "" };
            Some(float(&format!("{sign}{total}.{digits}")))
        }
        Some(_) => None,
    }
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn is_not_finite(text: &str) -> bool {
    let (_, unsigned) = split_sign(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `( \.[0-9]+ | [0-9]+ ( \.[0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_core_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let mantissa_ok = match mantissa.split_once('.') {
        Some(("", fraction)) => is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && (fraction.is_empty() || is_digits(fraction)),
        None => is_digits(mantissa),
    };
    mantissa_ok && exponent.is_none_or(|exponent| is_digits(split_sign(exponent).1))
}

fn float(text: &str) -> Reading {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Reading::Float(value),
        Ok(_) => Reading::OutOfRange,
        Err(_) => Reading::Text,
    }
}

fn radix(negative: bool, digits: &str, radix: u32) -> Reading {
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Reading::Text;
    }
    let sign = if negative { "-" } else { "" };
    if let Ok(value) = i64::from_str_radix(&format!("{sign}{digits}"), radix) {
        return Reading::Int(value);
    }
    if !negative && let Ok(value) = u64::from_str_radix(digits, radix) {
        return Reading::UInt(value);
    }
    let magnitude = digits
        .chars()
        .filter_map(|c| c.to_digit(radix))
        .fold(0.0_f64, |sum, digit| {
            sum * f64::from(radix) + f64::from(digit)
        });
    match magnitude.is_finite() {
        true => Reading::LongInteger(if negative { -magnitude } else { magnitude }),
        false => Reading::OutOfRange,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_schema() {
        for (text, reading) in [
            ("", Reading::Null),
            ("~", Reading::Null),
            ("TRUE", Reading::Bool(true)),
            ("yes", Reading::Text),
            ("0", Reading::Int(0)),
            ("-0", Reading::Int(0)),
            ("+5", Reading::Int(5)),
            ("0644", Reading::Int(644)),
            ("0o644", Reading::Int(420)),
            ("0x1F", Reading::Int(31)),
            ("-0x1F", Reading::Text),
            ("0b11", Reading::Text),
            ("1_000", Reading::Text),
            ("1e3", Reading::Float(1000.0)),
            ("1.", Reading::Float(1.0)),
            (".5", Reading::Float(0.5)),
            (".", Reading::Text),
            ("09.5", Reading::Float(9.5)),
            ("1e400", Reading::OutOfRange),
            ("-.INF", Reading::NotFinite),
            (".NaN", Reading::NotFinite),
            ("inf", Reading::Text),
            ("nan", Reading::Text),
            ("9223372036854775807", Reading::Int(i64::MAX)),
            ("9223372036854775808", Reading::UInt(1 << 63)),
            ("-9223372036854775808", Reading::Int(i64::MIN)),
            ("100000000000000000000", Reading::LongInteger(1e20)),
            ("12:30", Reading::Text),
            ("2024-01-01", Reading::Text),
            ("0x", Reading::Text),
            ("1.2.3", Reading::Text),
            ("--1", Reading::Text),
        ] {
            assert_eq!(core(text), reading, "{text}");
        }
    }

    #[test]
    fn yaml_1_1() {
        for (text, reading) in [
            ("y", Reading::Bool(true)),
            ("Off", Reading::Bool(false)),
            ("0644", Reading::Int(420)),
            ("-0644", Reading::Int(-420)),
            ("0o644", Reading::Text),
            ("08", Reading::Text),
            ("0b11", Reading::Int(3)),
            ("-0x1F", Reading::Int(-31)),
            ("1_000", Reading::Int(1000)),
            ("1__0", Reading::Int(10)),
            ("1_0.5", Reading::Float(10.5)),
            ("12:30", Reading::Int(750)),
            ("12:30:45", Reading::Int(45045)),
            ("12:30.5", Reading::Float(750.5)),
            ("12:75", Reading::Text),
            ("012:30", Reading::Text),
            ("1e3", Reading::Float(1000.0)),
            ("2024-01-01", Reading::Text),
            ("1.5", Reading::Float(1.5)),
            ("1_x", Reading::Text),
            ("hello", Reading::Text),
            ("null", Reading::Null),
            ("-", Reading::Text),
            ("60e6831", Reading::Text),
            ("1_0e999", Reading::Text),
        ] {
            assert_eq!(yaml11(text), reading, "{text}");
        }
    }
}
