//! Quantities of resources: `500m`, `8Gi`, `2`.

use std::cmp::Ordering;

/// A quantity in billionths, which is as exact as Kubernetes is.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct Quantity(f64);

impl Quantity {
    /// Whether it is a whole number, as extended resources must be.
    pub(super) fn is_whole(self) -> bool {
        self.0.fract() == 0.0
    }

    /// Which of two is more.
    pub(super) fn compare(self, other: Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

const SUFFIXES: [(&str, f64); 15] = [
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("", 1.0),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
];

/// Reads a quantity, or says why it is none and what may have been meant.
pub(super) fn parse(text: &str) -> Result<Quantity, (String, Option<String>)> {
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-')))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let Ok(value) = number.parse::<f64>() else {
        return Err(("it does not start with a number".to_owned(), None));
    };
    let times = match SUFFIXES.iter().find(|(name, _)| *name == suffix) {
        Some((_, times)) => *times,
        None if suffix == "Ei" => 1_152_921_504_606_846_976.0,
        None => match suffix.strip_prefix(['e', 'E']).map(str::parse::<i32>) {
            Some(Ok(exponent)) => 10f64.powi(exponent),
            _ => return Err((format!("unknown suffix `{suffix}`"), meant(number, suffix))),
        },
    };
    if value < 0.0 {
        return Err(("it is negative".to_owned(), None));
    }
    Ok(Quantity(value * times))
}

/// Whether two texts are the same quantity: `1000m` and `1`.
pub(crate) fn is_same_quantity(a: &str, b: &str) -> bool {
    match (parse(a), parse(b)) {
        (Ok(a), Ok(b)) => a.compare(b) == Ordering::Equal,
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// What to do about a quantity that is none.
pub(super) fn remedy(meant: Option<String>) -> String {
    meant.map_or_else(
        || "for example 500m, 2, 8Gi".to_owned(),
        |meant| format!("did you mean {meant}?"),
    )
}

/// What a wrong suffix stands for in other notations.
fn meant(number: &str, suffix: &str) -> Option<String> {
    let trimmed = suffix.trim();
    let letter = trimmed.chars().next()?.to_ascii_uppercase();
    let rest = trimmed.get(1..)?.to_ascii_lowercase();
    if matches!(letter, 'K' | 'M' | 'G' | 'T' | 'P')
        && matches!(rest.as_str(), "" | "b" | "i" | "ib")
    {
        let decimal = if letter == 'K' { 'k' } else { letter };
        return Some(format!(
            "`{number}{letter}i` (powers of 1024) or `{number}{decimal}` (powers of 1000)"
        ));
    }
    trimmed.starts_with("core").then(|| format!("`{number}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_takes() {
        for (text, value) in [
            ("2", 2.0),
            ("500m", 0.5),
            ("8Gi", 8_589_934_592.0),
            ("8G", 8e9),
            ("1e3", 1000.0),
            ("0.5", 0.5),
            ("1Ei", 1_152_921_504_606_846_976.0),
        ] {
            assert_eq!(parse(text), Ok(Quantity(value)), "{text}");
        }
    }

    #[test]
    fn what_it_does_not_take_and_what_was_meant() {
        for (text, part) in [
            ("8GB", "8Gi"),
            ("8gi", "8Gi"),
            ("8 Gi", "8Gi"),
            ("2cores", "`2`"),
        ] {
            let (_, help) = parse(text).unwrap_err();
            assert!(help.unwrap_or_default().contains(part), "{text}");
        }
        for text in ["", "Gi", "1,5", "-1", "1..2"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn suffixes_compare() {
        let order = |a: &str, b: &str| parse(a).unwrap().compare(parse(b).unwrap());
        assert_eq!(order("1024Mi", "1Gi"), Ordering::Equal);
        assert_eq!(order("8G", "8Gi"), Ordering::Less);
        assert_eq!(order("1500m", "1"), Ordering::Greater);
        assert!(is_same_quantity("1000m", "1") && is_same_quantity("1024Mi", "1Gi"));
        assert!(!is_same_quantity("1", "2") && !is_same_quantity("x", "x"));
        assert!(parse("1").unwrap().is_whole() && !parse("1500m").unwrap().is_whole());
    }
}
