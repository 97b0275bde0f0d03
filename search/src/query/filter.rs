//! Filters of a query.

use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime, Utc};

/// What a message must be beside its text. Days, months and years are those of UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Sent by one of those who are not negated, where there are any, and by none of the others.
    pub from: Vec<Named>,
    /// In one of these conversations, likewise.
    pub within: Vec<Named>,
    /// Sent before the beginning of the earliest day, month or year that was named.
    pub before: Option<DateTime<Utc>>,
    /// Sent after the end of the latest.
    pub after: Option<DateTime<Utc>>,
    /// With all of these, or without, where it says `true`.
    pub has: Vec<(Has, bool)>,
}

/// Somebody or something by the name, or the id, that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub negated: bool,
}

/// What a message may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    File,
    Image,
    Link,
}

impl Filters {
    /// Takes a filter that was typed. Answers `false` where there is none of that name, or where it cannot be so.
    pub(super) fn take(&mut self, key: &str, value: &str, negated: bool) -> bool {
        let named = || Named {
            name: value.strip_prefix('@').unwrap_or(value).to_owned(),
            negated,
        };
        match key {
            "from" if !named().name.is_empty() => self.from.push(named()),
            "in" if !value.is_empty() => self.within.push(named()),
            "has" => {
                let Some(has) = Has::named(value) else {
                    return false;
                };
                self.has.push((has, negated));
            }
            "before" if !negated => {
                let Some((begin, _)) = span(value) else {
                    return false;
                };
                self.before = Some(self.before.map_or(begin, |other| other.min(begin)));
            }
            "after" if !negated => {
                let Some((_, end)) = span(value) else {
                    return false;
                };
                self.after = Some(self.after.map_or(end, |other| other.max(end)));
            }
            _ => return false,
        }
        true
    }

    /// Whether filters of that name are there.
    pub(super) fn is_key(key: &str) -> bool {
        ["from", "in", "before", "after", "has"].contains(&key)
    }
}

impl Has {
    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "file" => Some(Self::File),
            "image" => Some(Self::Image),
            "link" => Some(Self::Link),
            _ => None,
        }
    }

    /// Whether a text has a link.
    pub fn link(text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        ["http://", "https://"]
            .iter()
            .flat_map(|scheme| text.match_indices(scheme))
            .any(|(at, scheme)| {
                let behind = text[at + scheme.len()..].chars().next();
                behind.is_some_and(char::is_alphanumeric)
            })
    }
}

/// The beginning of a day, a month or a year, and its end.
fn span(text: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let mut numbers = text.split('-').map(|number| {
        let digits = number.len() <= 4 && number.bytes().all(|digit| digit.is_ascii_digit());
        digits.then(|| number.parse::<u32>().ok()).flatten()
    });
    let year = numbers.next()?.filter(|year| (1970..=9000).contains(year))?;
    let month = numbers.next();
    let day = numbers.next();
    if numbers.next().is_some() || matches!(month, Some(None)) || matches!(day, Some(None)) {
        return None;
    }
    let (month, day) = (month.flatten(), day.flatten());
    let begin = NaiveDate::from_ymd_opt(year.cast_signed(), month.unwrap_or(1), day.unwrap_or(1))?;
    let end = match (month, day) {
        (_, Some(_)) => begin.checked_add_days(Days::new(1))?,
        (Some(_), None) => begin.checked_add_months(Months::new(1))?,
        (None, None) => begin.checked_add_months(Months::new(12))?,
    };
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    Some((midnight(begin), midnight(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spanned(text: &str) -> Option<(String, String)> {
        span(text).map(|(begin, end)| (begin.date_naive().to_string(), end.date_naive().to_string()))
    }

    #[test]
    fn a_day_a_month_and_a_year_have_a_beginning_and_an_end() {
        let of = |begin: &str, end: &str| Some((begin.to_owned(), end.to_owned()));
        assert_eq!(spanned("2026-02-28"), of("2026-02-28", "2026-03-01"));
        assert_eq!(spanned("2026-12"), of("2026-12-01", "2027-01-01"));
        assert_eq!(spanned("2026"), of("2026-01-01", "2027-01-01"));
        for text in [
            "",
            "26",
            "2026-",
            "2026-13",
            "2026-02-30",
            "2026-1-1-1",
            "-2026",
            "yesterday",
            "99999",
        ] {
            assert_eq!(spanned(text), None, "{text}");
        }
    }

    #[test]
    fn a_link_is_an_address_of_the_web() {
        assert!(Has::link("see HTTPS://example.com"));
        assert!(!Has::link("https:// is a scheme") && !Has::link("example.com"));
    }
}
