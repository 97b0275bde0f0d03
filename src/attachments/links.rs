//! Links that open an attachment for one user, for some hours: for what sends no header, as a picture in a page. Who may see it is
//! asked each time that one is used. Those who look at a report have another kind of link, which nobody else is given.

use crate::accounts::LINK_LIFE;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;
use uuid::Uuid;

/// Makes links, and reads them.
#[derive(Clone)]
pub struct Links {
    mac: Hmac<Sha256>,
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Links(..)")
    }
}

/// A link to an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What the parameter `t` of a request is.
    pub ticket: String,
    pub expires_at: DateTime<Utc>,
}

/// Why a link opens its attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// The user sees something that shows it, of which the read models are asked.
    Shown,
    /// A report is about it at which the user has looked, as the log says. Whether they hold a role for that still is asked of their account.
    Evidence,
}

impl Links {
    /// `secret` is the log's own, so that all nodes take the links of each.
    pub fn new(secret: &[u8]) -> Self {
        let mut key = Hmac::<Sha256>::new_from_slice(secret).expect("a key may have any length");
        key.update(b"attachment links");
        let key = key.finalize().into_bytes();
        Self {
            mac: Hmac::new_from_slice(&key).expect("a key may have any length"),
        }
    }

    /// A link for `user`, made at `now`.
    pub fn make(&self, attachment: Uuid, user: Uuid, opens: Opens, now: DateTime<Utc>) -> Link {
        let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
        let expires_at = hour + LINK_LIFE;
        let expires = expires_at.timestamp();
        let tag = self.tag(attachment, user, expires, opens);
        let tag = URL_SAFE_NO_PAD.encode(tag.finalize().into_bytes());
        Link {
            ticket: format!("{expires}.{}.{tag}", user.simple()),
            expires_at,
        }
    }

    /// Whom a link's `t` is for, and why it opens this attachment, if it does and holds at `now`.
    pub fn read(&self, attachment: Uuid, ticket: &str, now: DateTime<Utc>) -> Option<(Uuid, Opens)> {
        let mut parts = ticket.split('.');
        let (expires, user, tag) = (parts.next()?, parts.next()?, parts.next()?);
        let expires: i64 = expires.parse().ok()?;
        let user = Uuid::try_parse(user).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let opens = [Opens::Shown, Opens::Evidence].into_iter().find(|opens| {
            let expected = self.tag(attachment, user, expires, *opens);
            expected.verify_slice(&tag).is_ok()
        })?;
        (parts.next().is_none() && now.timestamp() < expires).then_some((user, opens))
    }

    fn tag(&self, attachment: Uuid, user: Uuid, expires: i64, opens: Opens) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(attachment.as_bytes());
        mac.update(user.as_bytes());
        mac.update(&expires.to_be_bytes());
        if opens == Opens::Evidence {
            mac.update(b"evidence");
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_one_attachment_for_one_user_for_some_hours() {
        let links = Links::new(b"a secret");
        let (file, user) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let now = DateTime::UNIX_EPOCH + TimeDelta::minutes(59);
        let link = links.make(file, user, Opens::Shown, now);
        assert_eq!(link.expires_at, DateTime::UNIX_EPOCH + TimeDelta::hours(3));
        let second = TimeDelta::seconds(1);
        assert_eq!(links.read(file, &link.ticket, now), Some((user, Opens::Shown)));
        assert_eq!(
            links.read(file, &link.ticket, link.expires_at - second),
            Some((user, Opens::Shown))
        );
        assert_eq!(links.read(file, &link.ticket, link.expires_at), None);
        assert_eq!(links.read(Uuid::from_u128(3), &link.ticket, now), None);
        assert_eq!(
            Links::new(b"another").read(file, &link.ticket, now),
            None,
            "another log"
        );
        // Made within the same hour, it is the same.
        assert_eq!(links.make(file, user, Opens::Shown, DateTime::UNIX_EPOCH), link);
    }

    #[test]
    fn a_link_to_evidence_is_told_from_one_to_what_is_shown() {
        let links = Links::new(b"a secret");
        let (file, user) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let now = DateTime::UNIX_EPOCH;
        let link = links.make(file, user, Opens::Evidence, now);
        assert_ne!(link, links.make(file, user, Opens::Shown, now));
        assert_eq!(links.read(file, &link.ticket, now), Some((user, Opens::Evidence)));
        assert_eq!(links.read(Uuid::from_u128(3), &link.ticket, now), None);
    }

    #[test]
    fn a_ticket_that_was_tampered_with_opens_nothing() {
        let links = Links::new(b"a secret");
        let (file, user) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let now = DateTime::UNIX_EPOCH;
        let link = links.make(file, user, Opens::Shown, now);
        let whole = &link.ticket;
        let [expires, who, tag] = whole.split('.').collect::<Vec<_>>()[..] else {
            panic!("{whole}")
        };
        let other = Uuid::from_u128(3).simple();
        for broken in [
            format!("{}.{who}.{tag}", expires.parse::<i64>().unwrap() + 1),
            format!("{expires}.{other}.{tag}"),
            format!("{expires}.{who}.{}", &tag[1..]),
            format!("{expires}.{who}."),
            format!("{whole}.x"),
            String::new(),
            "..".to_owned(),
        ] {
            assert_eq!(links.read(file, &broken, now), None, "{broken}");
        }
        assert!(!format!("{links:?}").contains("secret"));
    }
}
