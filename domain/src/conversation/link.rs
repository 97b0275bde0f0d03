//! Invite links: whoever has the secret of one comes in, so often and so long, and no more.

use super::Conversation;
use crate::digest::{DigestKey, Form};
use crate::event::{ConversationEvent, Event};
use crate::facts::Facts;
use crate::id::{CommandId, ConversationId, UserId};
use crate::kind::{Kind, Stored};
use crate::membership::Role;
use crate::moment::Moment;
use crate::rejection::{Field, Rejection};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The most links of a group that somebody may come in by at a time.
pub const LINKS_MAX: usize = 100;
/// How long a link holds where nobody says, in seconds.
pub const LINK_SECONDS: u32 = 7 * 24 * 60 * 60;
/// The longest that a link holds, in seconds.
pub const LINK_SECONDS_MAX: u32 = 30 * 24 * 60 * 60;
/// The most uses that a link may have, where they are counted.
pub const LINK_USES_MAX: u32 = 10_000;

/// What lets people in: 128 bits that follow from the command that made the link and the log's secret, so that a repeat of the command has the
/// same. The log keeps their [proof](Self::proof) alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LinkSecret(Uuid);

impl LinkSecret {
    /// The secret of the link that this command makes.
    pub fn of(key: &DigestKey, conversation: ConversationId, actor: UserId, command: CommandId) -> Self {
        let mut form = Form::new(key);
        form.text("the secret of a link");
        form.id(conversation.0);
        form.id(actor.0);
        form.id(command.0);
        Self(form.finish_id())
    }

    /// What is told to others: where it leads, and the secret.
    pub fn spell(self, conversation: ConversationId) -> String {
        format!("{}{}", conversation.0.simple(), self.0.simple())
    }

    /// Reads what was told.
    pub fn read(spelled: &str) -> Option<(ConversationId, Self)> {
        let (conversation, secret) = spelled.split_at_checked(32)?;
        let id = |text: &str| (text.len() == 32).then(|| Uuid::try_parse(text).ok()).flatten();
        Some((ConversationId(id(conversation)?), Self(id(secret)?)))
    }

    /// By which whoever has the secret is known to have it, and from which it cannot be found.
    pub fn proof(self) -> Uuid {
        let digest = Sha256::digest(self.0.as_bytes());
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        Uuid::from_bytes(first)
    }
}

impl std::fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkSecret(..)")
    }
}

/// A link lets people in from now on, until a moment, and where uses are counted so often. Its id is that of the command that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkCreated {
    pub link: Uuid,
    pub proof: Uuid,
    pub by: UserId,
    pub until: Moment,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub uses: Option<u32>,
}

impl Stored for LinkCreated {
    const KIND: Kind = Kind::LINK_CREATED;
    const NAME: &'static str = "link.created";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::LinkCreated(self).into()
    }
}

/// A link lets nobody in any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRevoked {
    pub link: Uuid,
}

impl Stored for LinkRevoked {
    const KIND: Kind = Kind::LINK_REVOKED;
    const NAME: &'static str = "link.revoked";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::LinkRevoked(self).into()
    }
}

/// A link by which somebody may come in, if it is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) proof: Uuid,
    pub(super) by: UserId,
    pub(super) until: Moment,
    /// How often it may still be used, where that is counted.
    pub(super) left: Option<u32>,
}

/// The links of a group that are neither revoked nor used up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Links(BTreeMap<Uuid, Link>);

impl Links {
    pub(super) fn add(&mut self, created: &LinkCreated) {
        let LinkCreated {
            link,
            proof,
            by,
            until,
            uses,
        } = *created;
        let left = uses;
        self.0.insert(
            link,
            Link {
                proof,
                by,
                until,
                left,
            },
        );
    }

    pub(super) fn remove(&mut self, link: Uuid) {
        self.0.remove(&link);
    }

    /// Somebody came in by it.
    pub(super) fn spend(&mut self, link: Uuid) {
        let Some(Link { left: Some(left), .. }) = self.0.get_mut(&link) else {
            return;
        };
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.0.remove(&link);
        }
    }

    /// Those that are over by then are kept no longer.
    pub(super) fn date(&mut self, at: DateTime<Utc>) {
        if !self.0.is_empty() {
            self.0.retain(|_, link| link.until.time() > at);
        }
    }

    fn active(&self, now: DateTime<Utc>) -> impl Iterator<Item = (Uuid, Link)> + '_ {
        self.iter().filter(move |(_, link)| link.until.time() > now)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (Uuid, Link)> + '_ {
        self.0.iter().map(|(id, link)| (*id, *link))
    }
}

impl FromIterator<(Uuid, Link)> for Links {
    fn from_iter<I: IntoIterator<Item = (Uuid, Link)>>(links: I) -> Self {
        Self(links.into_iter().collect())
    }
}

impl Conversation {
    pub(super) fn create_link(
        &self,
        actor: UserId,
        link: CommandId,
        (proof, seconds, uses): (Uuid, u32, Option<u32>),
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.inviter(actor, now)?;
        if !(1..=LINK_SECONDS_MAX).contains(&seconds) {
            return Err(Rejection::invalid(
                Field::ExpiresInS,
                "a link holds for a second at least and thirty days at most",
            ));
        }
        if uses.is_some_and(|uses| !(1..=LINK_USES_MAX).contains(&uses)) {
            return Err(Rejection::invalid(
                Field::Uses,
                "a link is used once at least and 10,000 times at most",
            ));
        }
        if self.links.active(now).count() >= LINKS_MAX {
            return Err(Rejection::Conflict("the group has too many links"));
        }
        Ok(vec![ConversationEvent::LinkCreated(LinkCreated {
            link: link.0,
            proof,
            by: actor,
            until: (now + TimeDelta::seconds(i64::from(seconds))).into(),
            uses,
        })])
    }

    /// Owners and admins revoke any link, others those that they have made.
    pub(super) fn revoke_link(&self, actor: UserId, id: Uuid) -> Result<Vec<ConversationEvent>, Rejection> {
        let role = self.group(actor)?;
        let mut links = self.links.iter();
        let (_, link) = links
            .find(|(other, _)| *other == id)
            .ok_or(Rejection::NotFound(Field::Link))?;
        if role < Role::Admin && link.by != actor {
            return Err(Rejection::Forbidden("only an owner or admin can do this"));
        }
        Ok(vec![ConversationEvent::LinkRevoked(LinkRevoked { link: id })])
    }

    /// That the links that somebody made let nobody in any more.
    pub(super) fn revoke_links_of(&self, user: UserId) -> impl Iterator<Item = ConversationEvent> + '_ {
        let links = self.links.iter().filter(move |(_, link)| link.by == user);
        links.map(|(link, _)| ConversationEvent::LinkRevoked(LinkRevoked { link }))
    }

    /// What is expired, used up, revoked, by somebody who may not add people now, of a group that everybody has left or was never there is told
    /// from one another by nobody.
    pub(super) fn join_by_link(
        &self,
        actor: UserId,
        proof: Uuid,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let (link, _) = self
            .links
            .active(now)
            .find(|(_, link)| link.proof == proof && self.inviter(link.by, now).is_ok())
            .ok_or(Rejection::NotFound(Field::Secret))?;
        self.come_in(actor, Some(link), facts, now)
    }
}

pub(crate) fn create_form(form: &mut Form, proof: Uuid, seconds: u32, uses: Option<u32>) {
    form.tag(18);
    form.id(proof);
    form.number(u64::from(seconds));
    form.tag(u8::from(uses.is_some()));
    form.number(u64::from(uses.unwrap_or(0)));
}

pub(crate) fn revoke_form(form: &mut Form, link: Uuid) {
    form.tag(19);
    form.id(link);
}

pub(crate) fn join_form(form: &mut Form, proof: Uuid) {
    form.tag(20);
    form.id(proof);
}
