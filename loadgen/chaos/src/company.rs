//! Scenes that some people play beside what everybody says: what devices do by chance would come about too seldom there, or at the wrong
//! moment. They ask each other to be contacts and block each other, come into groups by invitations and by links, are put out of them, and report
//! what others say.
//! Everything goes to all nodes at the same time, twice to each, under whatever faults there are, and once more when the scene is over;
//! what comes too late for what was acked before it must be refused.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, anyhow};
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use tidings_protocol::{Ack, Action, ErrorCode, Profile};
use tidings_stand::Api;
use tokio::time::sleep;
use uuid::Uuid;

use crate::chorus::{Chorus, Sung};
use crate::fault::BARE;
use crate::http::Person;
use crate::moderator::{Moderator, SETTLED, WITHHELD};
use crate::reader::{LEFT_OUT, Reader};
use crate::said::Said;
use crate::scribe::Clock;
use crate::view::STAGED;
use crate::world::World;

mod ban;
mod contact;
mod edit;
mod invitation;
mod link;
mod moderation;
mod report;
mod together;

use edit::EDITED;
pub(crate) use report::Filed;

/// Of so many commands one comes again with something else under its id.
const OTHERWISE: usize = 3;

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scene {
    Contacts,
    Invitations,
    Links,
    Bans,
    Reports,
}

impl Scene {
    const ALL: [Self; 5] = [
        Self::Contacts,
        Self::Invitations,
        Self::Links,
        Self::Bans,
        Self::Reports,
    ];

    /// The scene of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        Self::ALL[(seed % Self::ALL.len() as u64) as usize]
    }

    /// The commands that it is there for, and what else has to come of it. Each is acked, unless a device of the company's interferes.
    pub(crate) fn commands(self) -> &'static [&'static str] {
        match self {
            Self::Contacts => &[
                "profile.update",
                "settings.update",
                "contact.request",
                "contact.accept",
                "contact.decline",
                "contact.withdraw",
                "contact.remove",
                "user.block",
            ],
            Self::Invitations => &["group.invite", "group.accept", "group.decline", "group.withdraw"],
            Self::Links => &[
                "group.link.create",
                "group.link.revoke",
                "group.join",
                "group.settings",
                "group.approve",
                "group.refuse",
            ],
            Self::Bans => &["group.mute", "group.ban", "group.unban", "group.transfer"],
            Self::Reports => &[
                "report.send",
                "report.withhold",
                "report.show_again",
                "report.settle",
                LEFT_OUT,
                SETTLED,
                WITHHELD,
                EDITED,
            ],
        }
    }
}

/// Those who play.
pub(crate) struct Company {
    name: String,
    /// Makes the group, and has a device that sees it.
    host: Player,
    /// Their devices see what becomes of them: they talk where they are in, and may leave where they came in later.
    friends: [Player; 2],
    /// Nobody but these is muted or blocked: what they say goes by this company alone.
    guests: [Player; 3],
    /// What was reported.
    filed: Vec<Filed>,
    /// Looks after that, with somebody else who comes in between, and the second of the guests reads it meanwhile.
    moderator: Moderator,
    colleague: Moderator,
    reader: Reader,
}

/// One of them, with what was acked.
struct Player {
    user: Uuid,
    chorus: Chorus,
    acked: Vec<(Said, Ack)>,
}

impl Company {
    /// An error where there are too few people.
    pub(crate) fn gather(
        name: String,
        world: &World,
        nodes: &[SocketAddr],
        clock: Clock,
        random: &mut StdRng,
    ) -> Result<Self> {
        // Of those who have a bare device and nothing else, nobody but that device is to see anything.
        let cast = world.people[BARE..].iter().sample(random, 3);
        let [host, friend, other] = cast
            .try_into()
            .map_err(|_| anyhow!("too few people for a scene"))?;
        let apis = nodes.iter().map(|node| Api::new(&format!("http://{node}")));
        let apis: Vec<Api> = apis.collect::<Result<_>>()?;
        let [_, ben, _] = &world.guests;
        let places = nodes.iter().copied().zip(apis.clone()).collect();
        let moderators = world.moderators.each_ref();
        let [moderator, colleague] =
            moderators.map(|person| Moderator::new(clock, &name, person, apis.clone()));
        let player = |person: &Person| Player {
            user: person.user,
            chorus: Chorus::new(clock, &name, person, nodes),
            acked: Vec::new(),
        };
        Ok(Self {
            host: player(host),
            friends: [friend, other].map(player),
            guests: world.guests.each_ref().map(player),
            filed: Vec::new(),
            moderator,
            colleague,
            reader: Reader::new(clock, &format!("{name} reads"), ben, places),
            name,
        })
    }

    /// Plays until everything has its answer, and says all of it once more.
    pub(crate) async fn play(mut self, scene: Scene, later: Duration) -> Sung {
        match scene {
            Scene::Contacts => self.contacts().await,
            Scene::Invitations => self.invitations().await,
            Scene::Links => self.links().await,
            Scene::Bans => self.bans().await,
            Scene::Reports => self.reports().await,
        }
        sleep(later).await;
        let players = [self.host].into_iter().chain(self.friends).chain(self.guests);
        let filed = self.filed;
        let mut sung = self.moderator.close();
        sung.and(self.colleague.close());
        sung.and(self.reader.close());
        for mut player in players {
            player.say_again().await;
            if filed.iter().any(|filed| filed.sender == player.user) {
                player.must_be_told_nothing();
            }
            sung.and(player.chorus.close());
        }
        sung.filed = filed;
        sung
    }

    /// A group of the host's with these members. Without one there is a problem already.
    async fn group(&mut self, members: Vec<Uuid>) -> Option<Uuid> {
        let action = Action::GroupCreate {
            name: format!("{STAGED} {}", self.name),
            members,
        };
        let made = self.host.change(Uuid::nil(), action).await;
        made.map(|ack| ack.conversation)
    }
}

impl Player {
    async fn say(&mut self, said: Option<Said>) -> Option<Ack> {
        let said = said?;
        let ack = self.chorus.say(&said).await?;
        self.acked.push((said, ack.clone()));
        Some(ack)
    }

    /// Whether what kept this from being done may be taken away again.
    async fn say_in_vain(&mut self, said: Option<Said>, code: ErrorCode) -> bool {
        match said {
            Some(said) => self.chorus.say_in_vain(&said, code).await,
            None => true,
        }
    }

    async fn text(&mut self, conversation: Uuid, text: &str) -> Option<Ack> {
        self.say(Some(Said::text(conversation, text.to_owned()))).await
    }

    async fn change(&mut self, conversation: Uuid, action: Action) -> Option<Ack> {
        self.say(Said::change(self.user, conversation, action)).await
    }

    /// Something that the other one is told of, or not.
    async fn want(&mut self, action: Action) -> Option<Ack> {
        let name = action.name();
        let ack = self.say(Said::between(self.user, action)).await;
        self.must_be_acked(name, ack)
    }

    async fn for_oneself(&mut self, action: Action) -> Option<Ack> {
        let name = action.name();
        let ack = self.say(Said::for_oneself(self.user, action)).await;
        self.must_be_acked(name, ack)
    }

    /// In groups a device may interfere; what concerns guests alone has nothing against it.
    fn must_be_acked(&mut self, name: &str, ack: Option<Ack>) -> Option<Ack> {
        if ack.is_none() {
            let problem = format!(
                "{name} of {} was not acked, and nothing stands against it",
                self.user
            );
            self.chorus.problems.push(problem);
        }
        ack
    }

    /// All that was acked has the same answer again, and some of it comes with something else under its id.
    async fn say_again(&mut self) {
        for (number, (said, first)) in std::mem::take(&mut self.acked).into_iter().enumerate() {
            self.chorus.say_again(&said, &first).await;
            let other = self.otherwise(&said).filter(|_| number.is_multiple_of(OTHERWISE));
            if let Some(other) = other {
                self.chorus.say_otherwise(&other).await;
            }
        }
    }

    /// Something else under the same id, for the same stream.
    fn otherwise(&self, said: &Said) -> Option<Said> {
        let text = "something else".to_owned();
        let other = match &said.action {
            // Its id would belong to another conversation.
            Action::DirectOpen { .. } | Action::GroupCreate { .. } => None,
            Action::ProfileUpdate(_) | Action::SettingsUpdate(_) => {
                let profile = Profile {
                    about: Some(text),
                    ..Profile::default()
                };
                Said::for_oneself(self.user, Action::ProfileUpdate(profile))
            }
            Action::ContactRequest { user, .. }
            | Action::ContactAccept { user }
            | Action::ContactDecline { user }
            | Action::ContactWithdraw { user }
            | Action::ContactRemove { user }
            | Action::UserBlock { user, .. } => {
                let (user, text) = (*user, Some(text));
                Said::between(self.user, Action::ContactRequest { user, text })
            }
            Action::ReportSend {
                conversation,
                message,
                ..
            } => {
                let (conversation, message, reason) = (*conversation, *message, text);
                let action = Action::ReportSend {
                    conversation,
                    message,
                    reason,
                    note: None,
                };
                Said::report(self.user, action)
            }
            _ => Some(Said::text(said.conversation, text)),
        };
        other.map(|other| Said { id: said.id, ..other })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn seeds_that_follow_each_other_play_everything() {
        let scenes: Vec<Scene> = (17..22).map(Scene::of).collect();
        assert!(Scene::ALL.iter().all(|scene| scenes.contains(scene)));
        assert_eq!(Scene::of(17), Scene::of(22));
        let commands: Vec<_> = Scene::ALL.iter().flat_map(|scene| scene.commands()).collect();
        let distinct: BTreeSet<_> = commands.iter().collect();
        assert_eq!(distinct.len(), commands.len());
    }
}
