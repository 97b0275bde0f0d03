//! Integers as clients write them.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, Unexpected, Visitor},
};

use crate::SEQ_MAX;

/// An integer from 0 to [`SEQ_MAX`], written `5`, `5.0` or `5e0`: JSON has one kind of number, and some encoders know no
/// other than doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Integer(pub(crate) u64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IntegerVisitor;
        impl Visitor<'_> for IntegerVisitor {
            type Value = Integer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an integer from 0 to {SEQ_MAX}")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Integer, E> {
                if number <= SEQ_MAX {
                    Ok(Integer(number))
                } else {
                    Err(E::invalid_value(Unexpected::Unsigned(number), &self))
                }
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Integer, E> {
                // At the end of the range a double may stand for its neighbours as well.
                if number.fract() == 0.0 && (0.0..SEQ_MAX as f64).contains(&number) {
                    Ok(Integer(number as u64))
                } else {
                    Err(E::invalid_value(Unexpected::Float(number), &self))
                }
            }
        }
        deserializer.deserialize_u64(IntegerVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_taken_however_they_are_written_and_never_rounded() {
        let read = |text: &str| {
            serde_json::from_str::<Integer>(text)
                .ok()
                .map(|Integer(number)| number)
        };
        for text in ["5", "5.0", "5e0", "5E+0", "50e-1", "0.5e1"] {
            assert_eq!(read(text), Some(5), "{text}");
        }
        assert_eq!((read("0"), read("-0"), read("0.0")), (Some(0), Some(0), Some(0)));
        assert_eq!(
            (read("9007199254740992"), read("9007199254740991.0")),
            (Some(SEQ_MAX), Some(SEQ_MAX - 1))
        );
        for text in [
            "-1",
            "1.5",
            "-1.0",
            "9007199254740993",
            "9007199254740993.0",
            "1e16",
            "1e400",
            "18446744073709551616",
            "\"5\"",
            "null",
            "[5]",
            "true",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
