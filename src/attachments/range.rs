//! Which part of a file a request asks for (RFC 9110, section 14).

use std::ops::Range;

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it: none was asked for, several, or in a way that is not understood.
    Whole,
    Some(Range<u64>),
    /// The file has no such bytes.
    Beyond,
}

/// Reads a `Range`, for a file of `size` bytes.
pub(super) fn part(header: &str, size: u64) -> Part {
    let ranges = header.trim().strip_prefix("bytes=").map(str::trim);
    let Some((first, last)) = ranges.and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    let number = |text: &str| -> Option<u64> {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            // What is too large to be read is larger than any file.
            .then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => within(first, last.saturating_add(1), size),
        (Some(first), None) if last.is_empty() => within(first, size, size),
        (None, Some(length)) if first.is_empty() => within(
            size.saturating_sub(length),
            if length == 0 { 0 } else { size },
            size,
        ),
        _ => Part::Whole,
    }
}

fn within(start: u64, end: u64, size: u64) -> Part {
    let end = end.min(size);
    if start >= end {
        Part::Beyond
    } else {
        Part::Some(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_range_is_served_and_several_are_not() {
        for (header, wanted) in [
            ("bytes=0-3", Part::Some(0..4)),
            ("bytes=2-", Part::Some(2..10)),
            ("bytes=-3", Part::Some(7..10)),
            ("bytes=-30", Part::Some(0..10)),
            ("bytes=8-99999999999999999999999", Part::Some(8..10)),
            ("bytes=10-", Part::Beyond),
            ("bytes=-0", Part::Beyond),
            ("bytes=3-2", Part::Whole),
            ("bytes=0-1,4-5", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=-", Part::Whole),
            ("lines=0-3", Part::Whole),
            ("", Part::Whole),
        ] {
            assert_eq!(part(header, 10), wanted, "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_part_reaches_beyond_the_file(header in "bytes=[0-9]{0,25}-[0-9]{0,25}", size in 0_u64..1000) {
            if let Part::Some(range) = part(&header, size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}
