//! Which stages of a run an objective is judged on.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which stages an objective is judged on: `each` by itself, the run as a `whole`, or some by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SloStages {
    /// Each stage by itself.
    #[default]
    Each,
    /// The requests of all stages together.
    Whole,
    /// Each of these by itself, by their numbers from 0.
    Of(Vec<u32>),
}

impl SloStages {
    /// Whether the objective is judged on stage `number` by itself.
    #[must_use]
    pub fn has(&self, number: u32) -> bool {
        match self {
            Self::Each => true,
            Self::Whole => false,
            Self::Of(numbers) => numbers.contains(&number),
        }
    }

    /// Whether it is what is meant where nothing is said.
    #[must_use]
    pub fn is_each(&self) -> bool {
        *self == Self::Each
    }
}

impl Serialize for SloStages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Each => serializer.serialize_str("each"),
            Self::Whole => serializer.serialize_str("whole"),
            Self::Of(numbers) => numbers.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SloStages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;

        impl<'de> Visitor<'de> for Words {
            type Value = SloStages;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("each, whole, or a list of stage numbers from 0")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<SloStages, E> {
                match word {
                    "each" => Ok(SloStages::Each),
                    "whole" => Ok(SloStages::Whole),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<SloStages, A::Error> {
                let mut numbers = Vec::new();
                while let Some(number) = items.next_element()? {
                    numbers.push(number);
                }
                Ok(SloStages::Of(numbers))
            }
        }

        deserializer.deserialize_any(Words)
    }
}

impl JsonSchema for SloStages {
    fn schema_name() -> Cow<'static, str> {
        "SloStages".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Which stages it is judged on: each by itself, all requests of the run as a whole, or these by their numbers from 0.",
            "anyOf": [
                {"type": "string", "const": "each"},
                {"type": "string", "const": "whole"},
                {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0, "maximum": u32::MAX}}
            ],
            "examples": ["whole", [0, 1]]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in [r#""each""#, r#""whole""#, "[0,2]"] {
            let stages: SloStages = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&stages).unwrap(), text);
        }
        for (text, part) in [
            (r#""all""#, "expected each, whole"),
            ("[-1]", "u32"),
            ("3", "each, whole"),
        ] {
            let error = serde_json::from_str::<SloStages>(text).unwrap_err();
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn says_on_which_stages_it_is_judged() {
        let on = |stages: SloStages| [0, 1, 2].map(|number| stages.has(number));
        assert_eq!(on(SloStages::Each), [true; 3]);
        assert_eq!(on(SloStages::Whole), [false; 3]);
        assert_eq!(on(SloStages::Of(vec![0, 2])), [true, false, true]);
    }
}
