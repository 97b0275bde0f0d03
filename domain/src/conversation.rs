//! A conversation: who is in it, and what its members may do. Each noun has its events and rules in a file of its own.

pub mod ban;
mod book;
pub mod deletion;
pub mod direct;
pub mod edit;
mod emoji;
pub mod everyone;
pub mod forward;
mod frozen;
pub mod group;
pub mod group_settings;
pub mod history;
pub mod invitation;
pub mod joining;
pub mod link;
mod marked;
mod members;
pub mod message;
pub mod muted;
pub mod past;
pub mod pin;
pub mod reaction;
pub mod recall;
pub mod receipt;
pub mod slow;
pub mod taken_back;
pub mod thread;
pub mod withholding;

use crate::command::{Command, ConversationCommand};
use crate::event::{ConversationEvent, Role, RoleChanged};
use crate::facts::Facts;
use crate::id::UserId;
use crate::membership::Membership;
use crate::moment::Moment;
use crate::rejection::Rejection;
use crate::text::GroupName;
use book::Book;
use chrono::{DateTime, Utc};
use everyone::Calls;
use group_settings::GroupSettings;
use history::{Beginning, UNWRITTEN};
use invitation::Invitations;
use joining::Requests;
use link::Links;
use marked::Marked;
use members::{Member, Members};
use slow::Posts;
use std::sync::Arc;
use taken_back::TakenBack;

pub use everyone::EVERYONE_PER_HOUR;
pub use group::GROUP_MEMBERS_MAX;
pub use message::MENTIONS_MAX;

/// What decisions about a conversation depend on. Only control events change it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    shape: Shape,
    /// Of a group; shared between copies.
    name: Option<Arc<GroupName>>,
    members: Members,
    /// Grows by one with each member who comes in, so that members have an order of arrival.
    arrivals: u64,
    pins: Marked,
    withheld: Marked,
    calls: Calls,
    settings: GroupSettings,
    /// From where on those see it who come in now.
    beginning: Beginning,
    posts: Posts,
    /// Who asks to be let in.
    requests: Requests,
    /// When people were refused.
    refusals: Posts,
    links: Links,
    invitations: Invitations,
    /// When people declined to come.
    declines: Posts,
    /// Invitations that had no answer.
    taken_back: TakenBack,
    /// Until when people are muted, whether they are in or not; nothing where that is for ever.
    mutes: Book<Option<Moment>>,
    /// Until when people are banned; the same. Those that are over are kept as long as there is room.
    bans: Book<Option<Moment>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shape {
    #[default]
    Absent,
    Direct,
    Group,
}

impl Conversation {
    pub fn exists(&self) -> bool {
        self.shape != Shape::Absent
    }

    pub fn is_member(&self, user: UserId) -> bool {
        self.members.get(user).is_some()
    }

    pub fn role(&self, user: UserId) -> Option<Role> {
        self.members.get(user).map(|member| member.role)
    }

    pub fn member_count(&self) -> usize {
        self.members.count()
    }

    /// How many entries it has: about what it takes to keep it.
    pub fn entries(&self) -> usize {
        self.members.count()
            + self.posts.count()
            + self.mutes.count()
            + self.bans.count()
            + self.requests.count()
            + self.refusals.count()
            + self.declines.count()
            + self.taken_back.count()
            + self.invitations.iter().len()
            + self.withheld.count()
    }

    pub fn members(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.iter().map(|(user, _)| user)
    }

    /// Refuses unless `user` is in the conversation. One that does not exist has no members: a stranger is told no more of one
    /// that does.
    pub fn authorize(&self, user: UserId) -> Result<Role, Rejection> {
        self.role(user).ok_or(Rejection::NotAMember)
    }

    /// Whether it is a conversation of two.
    pub fn is_direct(&self) -> bool {
        self.shape == Shape::Direct
    }

    /// Decides a command. An empty answer means that the conversation already is as the command wants it.
    pub fn decide(
        &self,
        command: &Command,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let actor = command.actor;
        if command.body.shows_something() {
            self.reaches_other(actor, facts)?;
        }
        match &command.body {
            ConversationCommand::OpenDirect { user } => self.open_direct(actor, *user, facts),
            ConversationCommand::CreateGroup { name, members } => {
                self.create_group(actor, name, members, facts)
            }
            ConversationCommand::AddMember { user } => self.add(actor, *user, facts, now),
            ConversationCommand::RemoveMember { user } => self.remove(actor, *user, now),
            ConversationCommand::Leave => self.leave(actor, now),
            ConversationCommand::Rename { name } => self.rename(actor, name, now),
            ConversationCommand::ChangeRole { user, role } => self.change_role(actor, *user, *role),
            ConversationCommand::TransferGroup { user } => self.transfer(actor, *user),
            ConversationCommand::ChangeSettings(change) => self.change_settings(actor, change, now),
            ConversationCommand::MuteMember { user, on, until } => self.mute(actor, *user, *on, *until, now),
            ConversationCommand::Ban { user, until, reason } => {
                self.ban(actor, (*user, *until, reason.as_ref()), facts, now)
            }
            ConversationCommand::Unban { user } => self.unban(actor, *user, now),
            ConversationCommand::CreateLink { proof, seconds, uses } => {
                self.create_link(actor, command.id, (*proof, *seconds, *uses), now)
            }
            ConversationCommand::RevokeLink { link } => self.revoke_link(actor, *link),
            ConversationCommand::JoinByLink { proof } => self.join_by_link(actor, *proof, facts, now),
            ConversationCommand::Join => self.join(actor, facts, now),
            ConversationCommand::Approve { user } => self.approve(actor, *user, facts, now),
            ConversationCommand::Refuse { user } => self.refuse(actor, *user, now),
            ConversationCommand::Invite { user } => self.invite(actor, *user, facts, now),
            ConversationCommand::AcceptInvitation => self.accept_invitation(actor, facts, now),
            ConversationCommand::DeclineInvitation => self.decline_invitation(actor, now),
            ConversationCommand::WithdrawInvitation { user } => self.withdraw_invitation(actor, *user, now),
            ConversationCommand::Depart => self.depart(actor, now),
            ConversationCommand::SendMessage(send) => self.send(command, send, facts, now),
            ConversationCommand::EditMessage { message, content } => {
                self.edit(command.conversation, actor, *message, content, facts, now)
            }
            ConversationCommand::RecallMessage { message } => {
                self.recall(command.conversation, actor, *message, facts, now)
            }
            ConversationCommand::Moderate { message, reason } => {
                self.moderate(command.conversation, *message, reason, facts)
            }
            ConversationCommand::Withhold {
                message,
                report,
                reason,
            } => self.withhold(command.conversation, actor, (*message, *report, reason), facts),
            ConversationCommand::ShowAgain { message } => {
                self.show_again(command.conversation, *message, facts)
            }
            ConversationCommand::React { message, emoji, on } => {
                self.react(command.conversation, actor, (*message, emoji, *on), facts, now)
            }
            ConversationCommand::Pin { message, on } => {
                self.pin(command.conversation, actor, (*message, *on), facts, now)
            }
        }
    }

    /// Folds one event that is decided and has no place yet. Total: any event in any state is taken as the fact that it is.
    pub fn evolve(&mut self, event: &ConversationEvent) {
        self.evolve_at(event, UNWRITTEN);
    }

    /// The same of one that stands at `seq`.
    pub fn evolve_at(&mut self, event: &ConversationEvent, seq: u64) {
        match event.membership() {
            Membership::Joined(joined) => {
                for (user, role) in joined.iter() {
                    self.insert(user, role, seq);
                    self.requests.end(user);
                }
            }
            Membership::Left(user) => {
                self.members.set(user, None);
            }
            Membership::Unchanged => {}
        }
        match event {
            ConversationEvent::DirectOpened(_) => self.shape = Shape::Direct,
            ConversationEvent::GroupCreated(created) => {
                self.shape = Shape::Group;
                self.name = Some(Arc::new(created.name.clone()));
            }
            ConversationEvent::GroupRenamed(renamed) => {
                self.name = Some(Arc::new(renamed.name.clone()));
            }
            ConversationEvent::RoleChanged(RoleChanged { user, role }) => {
                if let Some(member) = self.members.get(*user) {
                    self.members.set(
                        *user,
                        Some(Member {
                            role: *role,
                            ..member
                        }),
                    );
                }
            }
            ConversationEvent::PinChanged(changed) => self.pins.set(changed.message, changed.on),
            ConversationEvent::MessageWithheld(changed) => {
                self.withheld.set(changed.message, changed.withheld);
            }
            ConversationEvent::MessageSent(sent) => {
                if sent.everyone {
                    self.calls.add();
                }
                if let Some(user) = sent.slow {
                    self.posts.add(user);
                }
            }
            ConversationEvent::GroupSettingsChanged(changed) => {
                let before = self.settings.slow_s;
                self.settings = self.settings.with(&changed.settings);
                // What was written before slow mode began makes nobody wait, in an earlier one neither.
                if before == 0 || self.settings.slow_s == 0 {
                    self.posts = Posts::default();
                }
                if let Some(history) = changed.settings.history {
                    self.beginning = Beginning::turned(history, seq);
                }
            }
            ConversationEvent::MemberMuted(muted) => {
                self.mutes.set(muted.user, muted.on.then_some(muted.until));
            }
            ConversationEvent::MemberBanned(banned) => {
                self.bans.set(banned.user, Some(banned.until));
                self.requests.end(banned.user);
            }
            ConversationEvent::MemberUnbanned(unbanned) => {
                self.bans.set(unbanned.user, None);
            }
            ConversationEvent::MemberAdded(added) => {
                if let Some(link) = added.link {
                    self.links.spend(link);
                }
            }
            ConversationEvent::LinkCreated(created) => self.links.add(created),
            ConversationEvent::LinkRevoked(revoked) => self.links.remove(revoked.link),
            ConversationEvent::JoinRequested(requested) => {
                self.requests.add(requested.user, seq);
            }
            ConversationEvent::JoinRefused(refused) => {
                self.requests.end(refused.user);
                self.refusals.add(refused.user);
            }
            ConversationEvent::InvitationSent(sent) => self.invitations.add(sent),
            ConversationEvent::InvitationAccepted(accepted) => self.answered(accepted.user),
            ConversationEvent::InvitationDeclined(declined) => {
                self.answered(declined.user);
                self.declines.add(declined.user);
            }
            ConversationEvent::InvitationWithdrawn(withdrawn) => {
                for by in self.invitations.end(withdrawn.user, withdrawn.by) {
                    self.taken_back.add((by, withdrawn.user));
                }
            }
            ConversationEvent::MemberRemoved(_)
            | ConversationEvent::MemberLeft(_)
            | ConversationEvent::MessageEdited(_)
            | ConversationEvent::MessageRecalled(_)
            | ConversationEvent::ReactionChanged(_) => {}
        }
    }

    /// What was folded since the last time that was said happened then: see [`Stream::date`](crate::Stream::date).
    pub(crate) fn date(&mut self, at: DateTime<Utc>) {
        self.calls.date(at);
        self.posts.date(at);
        self.requests.date(at);
        self.refusals.date(at);
        self.links.date(at);
        self.invitations.date(at);
        self.declines.date(at);
        self.taken_back.date(at);
        self.end_bans(at);
    }

    /// See [`Stream::cap`](crate::Stream::cap).
    pub(crate) fn cap(&mut self, now: DateTime<Utc>) {
        self.calls.cap(now);
        self.posts.cap(now);
        self.requests.cap(now);
        self.refusals.cap(now);
        self.declines.cap(now);
        self.taken_back.cap(now);
    }

    /// Somebody has said whether they come, to all who have invited them.
    fn answered(&mut self, user: UserId) {
        for by in self.invitations.end(user, None) {
            self.taken_back.forget((by, user));
        }
    }

    fn insert(&mut self, user: UserId, role: Role, seq: u64) {
        self.arrivals += 1;
        let arrival = self
            .members
            .get(user)
            .map_or(self.arrivals, |member| member.arrival);
        let member = Member {
            role,
            arrival,
            visible_from: self.beginning.visible_from(seq),
        };
        self.members.set(user, Some(member));
    }
}

const YOU_ARE_IN_TOO_MANY: &str = "you are in too many conversations";
const THEY_ARE_IN_TOO_MANY: &str = "this user is in too many conversations";

/// Drops repeats, keeping the first of each.
fn dedupe(users: &mut Vec<UserId>) {
    let mut seen = std::collections::HashSet::with_capacity(users.len());
    users.retain(|user| seen.insert(*user));
}
