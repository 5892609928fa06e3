//! JSON pointers (RFC 6901) into a located tree.

use crate::node::{Node, Value};
use crate::source::Span;

/// Where the node that a pointer names stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// The value.
    pub value: Span,
    /// The key that it stands under; none for an item of a list and for the root.
    pub key: Option<Span>,
}

impl Node {
    /// Finds the node at a JSON pointer: `/benchmark/target/baseUrl`, `/list/0`. The empty pointer is the root.
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        self.walk(pointer).map(|(node, _)| node)
    }

    /// The places of the node at a JSON pointer and of its key.
    pub fn locate(&self, pointer: &str) -> Option<Located> {
        self.walk(pointer).map(|(node, key)| Located {
            value: node.span,
            key,
        })
    }

    fn walk(&self, pointer: &str) -> Option<(&Self, Option<Span>)> {
        let mut node = self;
        let mut key = None;
        for token in pointer_tokens(pointer) {
            match &node.value {
                Value::Mapping(entries) => {
                    let entry = entries.iter().find(|entry| entry.key == token)?;
                    node = &entry.value;
                    key = Some(entry.key_span);
                }
                Value::Sequence(items) => {
                    node = items.get(token.parse::<usize>().ok()?)?;
                    key = None;
                }
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::UInt(_)
                | Value::Float(_)
                | Value::String(_) => return None,
            }
        }
        Some((node, key))
    }
}

/// The unescaped steps of a JSON pointer.
pub fn pointer_tokens(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer
        .split('/')
        .skip(1)
        .map(|token| token.replace("~1", "/").replace("~0", "~"))
}

/// Adds one step to a JSON pointer, escaped.
pub fn pointer_push(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

/// A JSON pointer as users write it under `--set`: `/a/b/0/c.d` is `a.b[0].c\.d`. The root is the empty string.
///
/// A step of digits is taken for a list index.
pub fn dotted(pointer: &str) -> String {
    let mut path = String::new();
    for token in pointer_tokens(pointer) {
        if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push('[');
            path.push_str(&token);
            path.push(']');
            continue;
        }
        if !path.is_empty() {
            path.push('.');
        }
        for character in token.chars() {
            if matches!(character, '.' | '[' | '=' | ',' | '\\') {
                path.push('\\');
            }
            path.push(character);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_paths_as_users_do() {
        assert_eq!(dotted("/a/b/0/c.d"), "a.b[0].c\\.d");
        assert_eq!(dotted(""), "");
        assert_eq!(dotted("/a~1b/x"), "a/b.x");
    }

    #[test]
    fn escapes_round_trip() {
        let mut pointer = String::new();
        pointer_push(&mut pointer, "a/b~c");
        assert_eq!(pointer_tokens(&pointer).collect::<Vec<_>>(), ["a/b~c"]);
    }
}
