//! Names as DNS has them: what a label may hold, and the nearest one.

/// Why `name` is not a DNS-1123 label.
pub(crate) fn not_label(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("it is empty".to_owned());
    }
    if name.len() > 63 {
        return Some(format!("{} characters; the limit is 63", name.len()));
    }
    if let Some(bad) = name
        .chars()
        .find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-'))
    {
        return Some(format!(
            "`{bad}` is not allowed, only lower-case letters, digits and `-`"
        ));
    }
    (name.starts_with('-') || name.ends_with('-')).then(|| "it starts or ends with `-`".to_owned())
}

/// The nearest DNS-1123 label.
pub(crate) fn corrected(name: &str) -> String {
    let kept: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(63)
        .collect();
    kept.trim_matches('-').to_owned()
}
