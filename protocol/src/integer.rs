//! Integers as clients write them.

use serde::{
    Deserialize, Deserializer,
    de::{self, Unexpected},
};
use serde_json::value::RawValue;

use crate::SEQ_MAX;

/// An integer from 0 to [`SEQ_MAX`], written `5`, `5.0` or `5e0`: JSON has one kind of number, and some encoders know no
/// other than doubles. Read from its digits, because a double in between would round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Integer(pub(crate) u64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        read(raw.get()).map(Self).ok_or_else(|| {
            de::Error::invalid_value(Unexpected::Other(raw.get()), &"an integer from 0 to 2^53")
        })
    }
}

/// The integer that a JSON value is.
fn read(value: &str) -> Option<u64> {
    if let Ok(integer) = value.parse::<u64>() {
        return (integer <= SEQ_MAX).then_some(integer);
    }
    let (mantissa, exponent) = value.split_once(['e', 'E']).unwrap_or((value, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (is_negative, whole) = whole
        .strip_prefix('-')
        .map_or((false, whole), |whole| (true, whole));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_end_matches('0');
    let zeros = digits.len() - significant.len();
    if significant.is_empty() {
        return Some(0);
    }
    let scale = i64::from(exponent.parse::<i32>().ok()?) + zeros as i64 - fraction.len() as i64;
    let power = 10_u64.checked_pow(u32::try_from(scale).ok()?)?;
    let integer = significant.parse::<u64>().ok()?.checked_mul(power)?;
    (!is_negative && integer <= SEQ_MAX).then_some(integer)
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
        for text in ["5", "5.0", "5e0", "5E+0", "50e-1", "0.5e1", "0.05e2", "5.000"] {
            assert_eq!(read(text), Some(5), "{text}");
        }
        for text in ["0", "-0", "0.0", "0e9", "-0.0e0"] {
            assert_eq!(read(text), Some(0), "{text}");
        }
        for (text, integer) in [
            ("9007199254740992", SEQ_MAX),
            ("9007199254740992.0", SEQ_MAX),
            ("9007199254740991.0", SEQ_MAX - 1),
            ("900719925474099.1e1", SEQ_MAX - 1),
            ("1e15", 1_000_000_000_000_000),
        ] {
            assert_eq!(read(text), Some(integer), "{text}");
        }
        for text in [
            "-1",
            "1.5",
            "-1.0",
            "5e-1",
            "4503599627370497.2",
            "9007199254740993",
            "9007199254740993.0",
            "1e16",
            "1e400",
            "1e99999999999",
            "18446744073709551616",
            "\"5\"",
            "\"5e0\"",
            "null",
            "[5]",
            "true",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
