//! What people are told of what others have done, by notices: whoever was invited, that they were and that they have accepted; everybody, whom
//! they block themselves, and what has become of them and of others who are, or want to be, their contacts. Nobody else is told anything of the
//! kind.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, bail};
use tidings_protocol::{ContactChanged, ContactRequested, NoticeData, Outcome};
use tidings_scribe::own::Own;
use tokio::time::Instant;
use uuid::Uuid;

use super::people::Run;

/// How long such notices may lag behind.
const LAG_MAX: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);

/// Waits until everybody, all of whom are here, was told what they have to be told, and nothing else.
pub(crate) async fn wait(run: &Run) -> Result<()> {
    let deadline = Instant::now() + LAG_MAX;
    while let Some(fault) = told_otherwise(run) {
        if Instant::now() >= deadline {
            bail!(fault);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

fn told_otherwise(run: &Run) -> Option<String> {
    for (index, person) in run.people.iter().enumerate() {
        let mut own = Own::default();
        let (mut invited, mut accepted) = (false, false);
        let mut tied: BTreeMap<Uuid, Vec<NoticeData>> = BTreeMap::new();
        for notice in person.notices.all() {
            if let Some(other) = tie(&notice) {
                tied.entry(other).or_default().push(notice);
                continue;
            }
            match &notice {
                NoticeData::GroupInvited(_) => invited = true,
                NoticeData::InvitationEnded(ended) => accepted |= ended.outcome == Outcome::Accepted,
                notice => own.take(notice),
            }
        }
        let name = &person.name;
        let was_invited = run.invited.contains(&index);
        if (invited, accepted) != (was_invited, was_invited) {
            return Some(format!(
                "{name} is told {invited} of being invited and {accepted} of having accepted; both should be {was_invited}"
            ));
        }
        let (told, blocked) = (own.blocked(), person.own.blocked());
        if told != blocked {
            return Some(format!(
                "{name} is told that they block {told:?}; they block {blocked:?}"
            ));
        }
        let due = run.pairs.told(person.account.user);
        if tied != due {
            return Some(format!("{name} is told {tied:?} of others; it should be {due:?}"));
        }
    }
    None
}

/// Whom a notice is about that tells of contacts.
fn tie(notice: &NoticeData) -> Option<Uuid> {
    match notice {
        NoticeData::ContactRequested(ContactRequested { user, .. })
        | NoticeData::ContactAccepted(ContactChanged { user, .. })
        | NoticeData::ContactDeclined(ContactChanged { user, .. })
        | NoticeData::ContactWithdrawn(ContactChanged { user, .. })
        | NoticeData::ContactRemoved(ContactChanged { user, .. }) => Some(*user),
        _ => None,
    }
}
