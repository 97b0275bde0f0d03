//! Somebody changes what they have said at the moment at which it is reported. The log has the two in one order, and moderators are shown what the
//! message had said by then, no less and no more. What it is made into behind a report is reported once more.

use uuid::Uuid;

use super::moderation::Subject;
use super::report::{OPEN, reporting};
use super::{Company, Filed};
use crate::moderator::Held;
use crate::reader::Sight;
use crate::said::Said;

/// What shows that a message was edited as it was reported.
pub(crate) const EDITED: &str = "messages reported while they were edited";

/// What the message says first, and then.
const WORDS: [&str; 2] = ["rascals", "dear rascals"];

impl Company {
    /// Nothing else is reported behind it: what is reported once more moves behind all other reports.
    pub(super) async fn edit_while_reported(&mut self, conversation: Uuid) -> Option<()> {
        let [ann, ben, _] = &mut self.guests;
        let said = ann.text(conversation, WORDS[0]).await?;
        let (message, reason) = (said.id, "and so on");
        let report = reporting(conversation, message, reason, None);
        let (edited, reported) = tokio::join!(
            ann.edit(conversation, message, WORDS[1]),
            ben.report(report.clone())
        );
        let edited = ann.must_be_acked("message.edit", edited)?;
        let reported = reported?;
        let (sender, reporter) = (ann.user, ben.user);
        let filed = |versions: usize| Filed {
            conversation,
            message,
            sender,
            reporter,
            reason,
            note: None,
            words: WORDS.into_iter().take(versions).collect(),
            state: OPEN,
            handled_by: None,
            withheld: false,
        };
        // Both are in one lane.
        let versions = if edited.position < reported.position { 2 } else { 1 };
        self.filed.push(filed(versions));
        let subject = Subject {
            sight: Sight {
                conversation,
                message,
                seq: said.seq,
                word: WORDS[0],
                is_quiet: false,
            },
            reporter,
            reported: reported.position,
        };
        let case = self.find(&subject).await?;
        let held = self.moderator.assign(&case).await?;
        self.becomes(&subject, self.moderator.user(), "ASSIGNED", false);
        let [_, ben, _] = &mut self.guests;
        ben.chorus.effects.add(EDITED, 1);
        if !holds(&held, versions) {
            ben.chorus.problems.push(format!(
                "{message} had {versions} of the versions {WORDS:?} when it was reported, and a moderator is told {held:?}"
            ));
        }
        if held.versions < WORDS.len() {
            ben.report(report).await?;
            // It is open again.
            self.filed.pop();
            self.filed.push(filed(WORDS.len()));
        } else {
            let again = Said::report(reporter, report)?;
            ben.chorus.say_needlessly(&again).await;
        }
        Some(())
    }
}

/// Whether a report holds so many versions. Whoever took it may have known of fewer, where the last one came while it was on its way.
fn holds(held: &Held, versions: usize) -> bool {
    let texts = held.evidence.iter().map(|version| version.text.as_deref());
    let due = WORDS.into_iter().take(versions).map(Some);
    texts.eq(due) && (1..=versions).contains(&held.versions)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn held(versions: usize, texts: &[&str]) -> Held {
        let evidence: Vec<_> = texts.iter().map(|text| json!({ "text": text })).collect();
        serde_json::from_value(json!({ "versions": versions, "evidence": evidence })).unwrap()
    }

    #[test]
    fn a_report_holds_what_was_said_by_then_also_where_it_was_taken_for_fewer_versions() {
        assert!(holds(&held(1, &WORDS[..1]), 1));
        assert!(holds(&held(2, &WORDS), 2));
        assert!(holds(&held(1, &WORDS), 2));
        assert!(!holds(&held(2, &WORDS), 1), "what was said later");
        assert!(!holds(&held(1, &WORDS[..1]), 2), "less than was said");
        assert!(
            !holds(&held(2, &WORDS[..1]), 1),
            "of a version that was not there"
        );
        assert!(!holds(&held(0, &WORDS[..1]), 1));
        assert!(!holds(&held(1, &WORDS[1..]), 1), "the first words are gone");
    }
}
