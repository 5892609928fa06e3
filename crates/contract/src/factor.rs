//! Numbers without a unit that shape a load, each in its interval.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::units::{UnitError, serialize_number};

/// How bursty `gamma` arrivals are, as vLLM's `--burstiness`: the shape of the gamma distribution of the gaps, whose
/// coefficient of variation is `1 / sqrt(burstiness)`. 1 is Poisson, less is burstier, more is more even. In `[0.01, 1000]`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Burstiness(f64);

impl Burstiness {
    /// The shape `shape`.
    ///
    /// # Errors
    /// When `shape` lies outside `[0.01, 1000]` or is NaN.
    pub fn new(shape: f64) -> Result<Self, UnitError> {
        // Below, one gap would hold the whole stage; above, nothing tells the gaps from equal ones.
        if (0.01..=1000.0).contains(&shape) {
            Ok(Self(shape))
        } else {
            Err(UnitError::TooSmall {
                must_be: "between 0.01 and 1000",
            })
        }
    }

    /// The shape, in `[0.01, 1000]`.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// How many times as fast as it was recorded a trace is replayed. Finite and greater than 0.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Speedup(f64);

impl Speedup {
    /// `times` as fast.
    ///
    /// # Errors
    /// When `times` is zero, negative or not finite.
    pub fn new(times: f64) -> Result<Self, UnitError> {
        if !times.is_finite() {
            Err(UnitError::NotFinite)
        } else if times <= 0.0 {
            Err(UnitError::TooSmall {
                must_be: "greater than 0",
            })
        } else {
            Ok(Self(times))
        }
    }

    /// The factor, in `(0, inf)`.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Default for Speedup {
    fn default() -> Self {
        Self(1.0)
    }
}

macro_rules! number {
    ($name:ident, $schema:tt) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serialize_number(self.0, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(f64::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

number!(Burstiness, {
    "description": "Shape of the gamma distribution of gaps: 1 is Poisson, less is burstier; the coefficient of variation is 1 / sqrt(burstiness).",
    "type": "number", "minimum": 0.01, "maximum": 1000, "examples": [0.5, 1]
});
number!(Speedup, {
    "description": "How many times as fast as it was recorded, greater than 0.",
    "type": "number", "exclusiveMinimum": 0, "examples": [1, 10]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_also_when_read() {
        for wrong in [0.0, -1.0, 0.001, 1e4, f64::NAN, f64::INFINITY] {
            assert!(Burstiness::new(wrong).is_err(), "{wrong}");
        }
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Speedup::new(wrong).is_err(), "{wrong}");
        }
        assert!(serde_json::from_str::<Burstiness>("0").is_err());
        assert!(serde_json::from_str::<Speedup>("-2").is_err());
        let written = serde_json::to_string(&(Burstiness(0.5), Speedup(10.0))).unwrap();
        assert_eq!(written, "[0.5,10]");
    }
}
