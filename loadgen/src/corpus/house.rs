//! What befalls people, carried out: they come into the group by links and invitations, the owner mutes them and shows them out and slows all of
//! them down, and people block each other. Everybody rests meanwhile, so that of each command it is known on which side of it it is decided, and
//! what the answer has to be.

use anyhow::{Context as _, Result};
use serde_json::Value;
use tidings_protocol::{Ack, Action, ErrorCode, GroupSettings, Role, Timestamp};
use tidings_scribe::said::Said;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{
    fates::{Act, Entry},
    people::People,
    person::Job,
    schedule::OWNER,
    shut::{MUTE, Refusal, Shut},
    slow,
};

/// An invite link.
struct Link {
    id: Uuid,
    secret: String,
}

impl People {
    /// Has people come in by a link that lets in as many as they are, and others by an invitation.
    pub(super) async fn let_in(&mut self, by_link: &[usize], invited: &[usize]) -> Result<()> {
        if !by_link.is_empty() {
            let link = self.make_link(by_link.len()).await?;
            for person in by_link {
                self.join(*person, &link).await?;
            }
            if let Some(late) = invited.first() {
                let used_up = Refusal::new(ErrorCode::NotFound, Some("secret"));
                self.try_in_vain(*late, self.joining(*late, &link)?, used_up)
                    .await?;
            }
        }
        for person in invited {
            self.invite(*person).await?;
        }
        Ok(())
    }

    /// Carries out what befalls somebody.
    pub(crate) async fn carry_out(&mut self, act: Act) -> Result<()> {
        let conversation = self.group()?;
        match act {
            Act::Silence { person, ends } => {
                self.rest(None).await?;
                let until = if ends { Some(self.far_off()?) } else { None };
                self.silence(person, true, until).await?;
                self.shared.did("silenced");
                let silenced = Shut::Silenced { ends };
                self.give(person, Job::Shut(conversation, Some(silenced))).await
            }
            Act::Unsilence(person) => {
                self.rest(None).await?;
                self.silence(person, false, None).await?;
                self.give(person, Job::Shut(conversation, None)).await
            }
            Act::Remove(person) => {
                self.rest(Some(person)).await?;
                let user = self.user(person);
                let removed = self.act(OWNER, Action::GroupRemove { conversation, user });
                let Ack { seq, .. } = removed.await.context("a member was not removed")?;
                self.has_left(person, seq).await
            }
            Act::Ban(person) => {
                self.rest(Some(person)).await?;
                self.ban(person).await
            }
            Act::Back {
                person,
                banned,
                entry,
            } => {
                self.rest(None).await?;
                self.back(person, banned, entry).await
            }
            Act::Block { by, whom, on } => {
                self.rest(None).await?;
                self.block(by, whom, on).await
            }
            Act::Knock(person) => {
                self.knock(person).await?;
                Ok(())
            }
            Act::Slow { seconds, admin } => {
                self.rest(None).await?;
                self.slow_down(seconds, admin).await
            }
            Act::Tie { pair, step } => self.tie(pair, step).await,
            Act::Report { number, withhold } => self.report(number, withhold).await,
            Act::Settle { number, ending } => self.settle(number, ending).await,
        }
    }

    /// From here on ordinary members wait so many seconds between two messages. Whoever is an admin now waits for nothing, as the owner.
    async fn slow_down(&mut self, seconds: u32, admin: Option<usize>) -> Result<()> {
        let conversation = self.group()?;
        for (person, role) in [(self.admin, Role::Member), (admin, Role::Admin)] {
            if let Some(person) = person {
                let user = self.user(person);
                let change = Action::GroupRole {
                    conversation,
                    user,
                    role,
                };
                self.act(OWNER, change).await.context("a role was not changed")?;
            }
        }
        let settings = GroupSettings {
            slow_s: Some(seconds),
            ..GroupSettings::default()
        };
        let set = Action::GroupSettings {
            conversation,
            settings,
        };
        let set = self.act(OWNER, set).await.context("the group was not set")?;
        (self.admin, self.slow_s) = (admin, seconds);
        for person in 0..self.jobs.len() {
            let waits = seconds > 0 && person != OWNER && Some(person) != admin;
            let pause = waits.then_some(seconds);
            self.give(person, Job::Slow(conversation, pause)).await?;
        }
        let member = self.account(self.ordinary()?);
        slow::is_shown(member, conversation, seconds, Some(set.position)).await
    }

    async fn silence(&self, person: usize, on: bool, until: Option<Timestamp>) -> Result<()> {
        let mute = Action::GroupMute {
            conversation: self.group()?,
            user: self.user(person),
            on,
            until,
        };
        self.act(OWNER, mute).await.context("a member was not muted")?;
        Ok(())
    }

    /// Bans somebody, whom nobody can add any more.
    async fn ban(&mut self, person: usize) -> Result<()> {
        let (conversation, user) = (self.group()?, self.user(person));
        let ban = Action::GroupBan {
            conversation,
            user,
            until: None,
            reason: Some("too loud".to_owned()),
        };
        let Ack { seq, .. } = self.act(OWNER, ban).await.context("a member was not banned")?;
        // The last that they are told of is the event before, which removes them.
        self.has_left(person, seq.saturating_sub(1)).await?;
        let add = Action::GroupAdd { conversation, user };
        let add = Said::change(self.user(OWNER), conversation, add).context("no change of a conversation")?;
        let banned = Refusal::new(ErrorCode::Forbidden, Some("user"));
        self.try_in_vain(OWNER, add, banned).await
    }

    /// Somebody was told of the group up to this seq.
    async fn has_left(&mut self, person: usize, seq: u64) -> Result<()> {
        let group = self.group_mut()?;
        group.members.retain(|member| *member != person);
        group.left.insert(person, seq);
        let id = group.id;
        self.give(person, Job::Shut(id, Some(Shut::Out))).await
    }

    async fn back(&mut self, person: usize, banned: bool, entry: Entry) -> Result<()> {
        let link = if entry == Entry::ByLink {
            Some(self.make_link(1).await?)
        } else {
            None
        };
        if banned {
            if let Some(link) = &link {
                let refused = Refusal::new(ErrorCode::Forbidden, None);
                self.try_in_vain(person, self.joining(person, link)?, refused)
                    .await?;
            }
            let unban = Action::GroupUnban {
                conversation: self.group()?,
                user: self.user(person),
            };
            self.knock_in_vain(person).await?;
            self.act(OWNER, unban).await.context("a ban was not lifted")?;
        } else {
            self.turn_away(person).await?;
        }
        match &link {
            Some(link) => self.join(person, link).await?,
            None => self.invite(person).await?,
        }
        self.shared.did("came back");
        let group = self.group_mut()?;
        group.members.push(person);
        group.left.remove(&person);
        let id = group.id;
        self.give(person, Job::Shut(id, None)).await
    }

    /// Where the two have no conversation of their own, nobody can begin one as long as the block stands.
    pub(super) async fn block(&mut self, by: usize, whom: usize, on: bool) -> Result<()> {
        self.give(by, Job::Block(self.user(whom), on)).await?;
        self.settled(by).await?;
        self.pairs.block(self.user(by), self.user(whom), on);
        if let Some(conversation) = self.between(by, whom) {
            for person in [by, whom] {
                let shut = on.then_some(Shut::Parted);
                self.give(person, Job::Shut(conversation, shut)).await?;
            }
        } else if on {
            let user = self.user(by);
            let open = Said::change(self.user(whom), Uuid::nil(), Action::DirectOpen { user });
            let open = open.context("no change of a conversation")?;
            let refused = Refusal::new(ErrorCode::Forbidden, Some("user"));
            self.try_in_vain(whom, open, refused).await?;
        }
        Ok(())
    }

    async fn make_link(&self, uses: usize) -> Result<Link> {
        let conversation = self.group()?;
        let create = Action::GroupLinkCreate {
            conversation,
            expires_in_s: None,
            uses: Some(u32::try_from(uses)?),
        };
        let made = self.act(OWNER, create).await.context("a link was not made")?;
        let secret = made.data.as_ref().and_then(|data| data.get("secret"));
        let secret = secret.and_then(Value::as_str);
        Ok(Link {
            id: made.id,
            secret: secret.context("a link without a secret")?.to_owned(),
        })
    }

    fn joining(&self, person: usize, link: &Link) -> Result<Said> {
        let (user, conversation) = (self.user(person), self.group()?);
        Ok(Said::join(user, conversation, link.id, link.secret.clone()))
    }

    async fn join(&self, person: usize, link: &Link) -> Result<()> {
        let joined = self.make(person, self.joining(person, link)?).await;
        joined.context("somebody could not come in by a link")?;
        self.shared.did("by link");
        Ok(())
    }

    async fn invite(&mut self, person: usize) -> Result<()> {
        let (conversation, user) = (self.group()?, self.user(person));
        let invited = self.act(OWNER, Action::GroupInvite { conversation, user });
        invited.await.context("somebody was not invited")?;
        let accepted = self.act(person, Action::GroupAccept { conversation });
        accepted.await.context("an invitation was not accepted")?;
        self.invited.insert(person);
        Ok(())
    }

    pub(super) async fn try_in_vain(&self, person: usize, said: Said, refusal: Refusal) -> Result<()> {
        self.give(person, Job::Vain(said, refusal)).await?;
        self.settled(person).await
    }

    /// Waits until everybody has done what they were given, and until the reads of one are acked.
    pub(super) async fn rest(&self, reader: Option<usize>) -> Result<()> {
        let mut resting = Vec::new();
        for person in 0..self.jobs.len() {
            resting.push(self.ask_to_rest(person, reader == Some(person)).await?);
        }
        for rested in resting {
            rested.await.context("a person has stopped")?;
        }
        Ok(())
    }

    pub(super) async fn settled(&self, person: usize) -> Result<()> {
        let rested = self.ask_to_rest(person, false).await?;
        rested.await.context("a person has stopped")
    }

    async fn ask_to_rest(&self, person: usize, reads: bool) -> Result<oneshot::Receiver<()>> {
        let (answer, rested) = oneshot::channel();
        self.give(person, Job::Rest { reads, answer }).await?;
        Ok(rested)
    }

    /// A moment that the run does not come to.
    fn far_off(&self) -> Result<Timestamp> {
        let began = self.began.context("no group yet")?.millis();
        Timestamp::from_millis(began + MUTE.as_millis() as i64).context("a time that is out of bounds")
    }
}
