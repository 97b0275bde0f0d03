//! For which reasons members report messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::Reason;

/// Reasons that can be offered: as many as people look through, in each `welcome`.
const REASONS_MAX: usize = 20;
/// The longest of them, in characters.
const REASON_CHARS_MAX: usize = 64;

/// Settings of reports.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReportConfig {
    /// The reasons that are offered to whoever reports a message: at most 20, of 64 characters each.
    pub reasons: Vec<String>,
    /// Whether a report may give another reason than those that are offered, in words of its own.
    pub other_reasons: bool,
}

impl Default for ReportConfig {
    fn default() -> Self {
        let reasons = ["Spam", "Insults or harassment", "Hate", "Violence or threats"];
        Self {
            reasons: reasons.map(str::to_owned).into(),
            other_reasons: true,
        }
    }
}

impl ReportConfig {
    /// What is wrong with it, if something is.
    pub fn check(&self) -> Option<&'static str> {
        let reasons = &self.reasons;
        if reasons.len() > REASONS_MAX || (reasons.is_empty() && !self.other_reasons) {
            return Some(
                "`reports.reasons` must be at most 20, and one at least where `reports.other_reasons` is false",
            );
        }
        if !reasons.iter().all(|reason| is_whole(reason)) {
            return Some(
                "`reports.reasons` must be 1 to 64 characters each, with no blanks around them and no control characters",
            );
        }
        let mut sorted: Vec<&String> = reasons.iter().collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|two| two[0] == two[1]) {
            return Some("`reports.reasons` must be different from one another");
        }
        None
    }

    /// Whether a message may be reported for this reason.
    pub(super) fn takes(&self, reason: &Reason) -> bool {
        self.other_reasons || self.reasons.iter().any(|offered| offered == reason.as_str())
    }
}

/// Whether a reason is read as it stands.
fn is_whole(reason: &str) -> bool {
    reason.chars().count() <= REASON_CHARS_MAX
        && Reason::parse(reason).is_ok_and(|read| read.as_str() == reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(reasons: &[&str], other_reasons: bool) -> ReportConfig {
        ReportConfig {
            reasons: reasons.iter().map(|&reason| reason.to_owned()).collect(),
            other_reasons,
        }
    }

    #[test]
    fn reasons_are_some_short_and_different_from_one_another() {
        let (long, longest) = ("é".repeat(65), "é".repeat(64));
        let many: Vec<String> = (0..21).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for (reasons, others, is_fine) in [
            (&["Spam", longest.as_str()][..], false, true),
            (&many[..20], true, true),
            (&many, true, false),
            (&[], true, true),
            (&[], false, false),
            (&["Spam", long.as_str()], true, false),
            (&["Spam", ""], true, false),
            (&[" Spam"], true, false),
            (&["Spa\nm"], true, false),
            (&["Spam", "Hate", "Spam"], true, false),
        ] {
            let wrong = config(reasons, others).check();
            assert_eq!(wrong.is_none(), is_fine, "{reasons:?}: {wrong:?}");
        }
        assert_eq!(ReportConfig::default().check(), None);
    }

    #[test]
    fn others_than_those_offered_are_taken_where_the_operator_says_so() {
        let reason = |reason| Reason::parse(reason).unwrap();
        let (closed, open) = (config(&["Spam"], false), config(&["Spam"], true));
        assert!(closed.takes(&reason(" Spam ")) && open.takes(&reason("Spam")));
        assert!(!closed.takes(&reason("spam")) && open.takes(&reason("spam")));
    }
}
