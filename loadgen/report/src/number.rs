//! Numbers as people read them.

use std::time::Duration;

/// Three digits that count, thousands apart.
pub(crate) fn short(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    if value.abs() < 1000.0 {
        let digits = (2 - value.abs().max(1e-3).log10().floor() as i32).clamp(0, 4);
        let text = format!("{value:.*}", digits as usize);
        return if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        };
    }
    let whole = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

/// A value with its unit: `31,000/s`, `2.5 ms`.
pub(crate) fn with_unit(value: f64, unit: &str) -> String {
    match unit.strip_prefix('1') {
        Some(per) if per.starts_with('/') => format!("{}{per}", short(value)),
        _ if unit.is_empty() => short(value),
        _ => format!("{} {unit}", short(value)),
    }
}

/// A length of time in the unit that suits it.
pub(crate) fn time(duration: Duration) -> String {
    let us = duration.as_secs_f64() * 1e6;
    match us {
        ..1e3 => format!("{} µs", short(us)),
        ..1e6 => format!("{} ms", short(us / 1e3)),
        _ => format!("{} s", short(us / 1e6)),
    }
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let read = [0.0, 0.354, 7.5, 12.34, 999.4, 1_000.0, 1_234_567.8, -4_200.0].map(short);
        assert_eq!(
            read,
            ["0", "0.354", "7.5", "12.3", "999", "1,000", "1,234,568", "-4,200"]
        );
        assert_eq!(with_unit(31_000.0, "1/s"), "31,000/s");
        assert_eq!(with_unit(31_000.0, "events/s"), "31,000 events/s");
    }

    #[test]
    fn times_come_in_the_unit_that_suits_them() {
        let read = [90, 1_500, 50_000, 2_000_000].map(|us| time(Duration::from_micros(us)));
        assert_eq!(read, ["90 µs", "1.5 ms", "50 ms", "2 s"]);
    }
}
