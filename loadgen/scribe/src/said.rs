//! What is asked of the server, and what the events say that it makes: as digests, for journals.

use serde::Serialize;
use tidings_journal::digest;
use tidings_protocol::{
    Action, Content, ConversationArchived, ConversationCleared, ConversationMarked, ConversationMuted,
    DirectOpened, EventData, EventKind, GroupCreated, GroupRenamed, GroupSettingsChanged, InvitationDeclined,
    InvitationWithdrawn, JoinRefused, JoinRequested, LinkRevoked, MemberAdded, MemberBanned, MemberLeft,
    MemberMuted, MemberRemoved, MemberUnbanned, MessageEdited, MessageRecalled, MessageSend, MessageWithheld,
    MessagesHidden, Notice, NoticeData, PinChanged, ReactionChanged, Role, RoleChanged, ThreadFollowed,
};
use uuid::Uuid;

use crate::{pair, report};

/// A command on its way that makes an event.
#[derive(Clone, Debug)]
pub struct Said {
    pub id: Uuid,
    pub conversation: Uuid,
    pub action: Action,
    /// Of what the event says.
    pub digest: u64,
}

impl Said {
    /// A message, under a new id.
    pub fn text(conversation: Uuid, text: String) -> Self {
        Self::message(conversation, text, None, vec![])
    }

    /// A message that answers another or names people, under a new id.
    pub fn message(conversation: Uuid, text: String, reply_to: Option<Uuid>, mentions: Vec<Uuid>) -> Self {
        Self::send(MessageSend {
            reply_to,
            mentions,
            ..MessageSend::new(conversation, Content::text(text))
        })
    }

    /// Any message, under a new id.
    pub fn send(send: MessageSend) -> Self {
        let id = Uuid::now_v7();
        let digest = match (&send.content, &send.forward) {
            (Some(Content::Text { text }), _) if is_plain(&send) => digest(text),
            (Some(content), _) => message(&send, &json(content)),
            // What it says then is the server's to find out.
            (None, _) => message(&send, FORWARDED),
        };
        Self {
            id,
            conversation: send.conversation,
            action: Action::MessageSend(send),
            digest,
        }
    }

    /// Something that `user` does for themselves, under a new id; none for what makes no such notice. It belongs to the user's own
    /// stream, which has the user's id.
    pub fn for_oneself(user: Uuid, action: Action) -> Option<Self> {
        let digest = tells(&noticed(&action)?);
        Some(Self {
            id: Uuid::now_v7(),
            conversation: user,
            action,
            digest,
        })
    }

    /// Something that `actor` wants of somebody else, under a new id; none for what changes nothing between two people. It belongs to the
    /// stream of the two, which journals call by [their name](pair::between).
    pub fn between(actor: Uuid, action: Action) -> Option<Self> {
        let (conversation, digest) = pair::asked(actor, &action)?;
        Some(Self {
            id: Uuid::now_v7(),
            conversation,
            action,
            digest,
        })
    }

    /// What `actor` reports of a message, under a new id; none for what reports nothing. It belongs to the reports of the message, which
    /// journals call by [their name](report::about).
    pub fn report(actor: Uuid, action: Action) -> Option<Self> {
        let (conversation, digest) = report::asked(actor, &action)?;
        Some(Self {
            id: Uuid::now_v7(),
            conversation,
            action,
            digest,
        })
    }

    /// A change of a message, under a new id; none for what changes no message.
    pub fn amendment(conversation: Uuid, action: Action) -> Option<Self> {
        // Nobody does it here to a conversation that is not there yet.
        Self::change(Uuid::nil(), conversation, action)
    }

    /// The message that this one answers, stands below or changes.
    pub fn refers_to(&self) -> Option<Uuid> {
        match &self.action {
            Action::MessageSend(send) => send.reply_to.or(send.thread),
            Action::MessageEdit { message, .. }
            | Action::MessageRecall { message, .. }
            | Action::MessageReact { message, .. }
            | Action::MessagePin { message, .. } => Some(*message),
            _ => None,
        }
    }

    /// Whether it changes a message of a conversation.
    pub fn changes_message(&self) -> bool {
        self.refers_to().is_some() && !matches!(self.action, Action::MessageSend(_))
    }

    pub fn names_people(&self) -> bool {
        matches!(&self.action, Action::MessageSend(send) if !send.mentions.is_empty())
    }

    /// A change of a conversation by `actor`, under a new id; none for what makes no such event.
    pub fn change(actor: Uuid, conversation: Uuid, action: Action) -> Option<Self> {
        let id = Uuid::now_v7();
        let digest = match &action {
            Action::GroupInvite { user, .. } => invited(*user, actor),
            // The id of a link is that of the command.
            Action::GroupLinkCreate { uses, .. } => linked(id, actor, *uses),
            action => says(&expected(actor, action)?),
        };
        Some(Self {
            id,
            conversation,
            action,
            digest,
        })
    }

    /// `actor` comes into a group by the secret of a link, under a new id.
    pub fn join(actor: Uuid, conversation: Uuid, link: Uuid, secret: String) -> Self {
        Self {
            id: Uuid::now_v7(),
            conversation,
            action: Action::GroupJoin {
                conversation: None,
                secret: Some(secret),
            },
            digest: says(&EventData::MemberAdded(MemberAdded {
                user: actor,
                role: Role::Member,
                link: Some(link),
                asked: false,
                waited: false,
            })),
        }
    }
}

/// The digest of an invitation, but for its end and the name of the group, which are the server's to say.
fn invited(user: Uuid, by: Uuid) -> u64 {
    digest(&format!("{by} invites {user}"))
}

/// The digest of a new link, but for its end and the proof of its secret, which are the server's to say.
fn linked(link: Uuid, by: Uuid, uses: Option<u32>) -> u64 {
    digest(&format!("{by} makes the link {link} for {uses:?}"))
}

/// The event that a command makes; of several, the last.
fn expected(actor: Uuid, action: &Action) -> Option<EventData> {
    Some(match action.clone() {
        Action::DirectOpen { user } => EventData::DirectOpened(DirectOpened {
            users: [actor.min(user), actor.max(user)],
        }),
        Action::GroupCreate { name, members } => EventData::GroupCreated(GroupCreated {
            name,
            owner: actor,
            members: members.into_iter().chain([actor]).collect(),
        }),
        Action::GroupAdd { user, .. } | Action::GroupApprove { user, .. } => {
            EventData::MemberAdded(MemberAdded {
                user,
                role: Role::Member,
                link: None,
                asked: false,
                waited: false,
            })
        }
        // The invitation that it answers has an event of its own before.
        Action::GroupAccept { .. } => EventData::MemberAdded(MemberAdded {
            user: actor,
            role: Role::Member,
            link: None,
            asked: false,
            waited: false,
        }),
        Action::GroupRemove { user, .. } => EventData::MemberRemoved(MemberRemoved { user }),
        Action::GroupLeave { .. } => EventData::MemberLeft(MemberLeft { user: actor }),
        Action::GroupRename { name, .. } => EventData::GroupRenamed(GroupRenamed { name }),
        Action::GroupRole { user, role, .. } => EventData::RoleChanged(RoleChanged { user, role }),
        Action::GroupSettings { settings, .. } => {
            EventData::GroupSettingsChanged(GroupSettingsChanged { settings })
        }
        Action::GroupMute { user, on, until, .. } => EventData::MemberMuted(MemberMuted { user, on, until }),
        Action::GroupBan {
            user, until, reason, ..
        } => EventData::MemberBanned(MemberBanned { user, until, reason }),
        Action::GroupRefuse { user, .. } => EventData::JoinRefused(JoinRefused { user }),
        Action::GroupLinkRevoke { link, .. } => EventData::LinkRevoked(LinkRevoked { link }),
        // Of a group that wants to be asked.
        Action::GroupJoin {
            conversation: Some(_),
            ..
        } => EventData::JoinRequested(JoinRequested { user: actor }),
        Action::GroupDecline { .. } => EventData::InvitationDeclined(InvitationDeclined { user: actor }),
        Action::GroupWithdraw { user, .. } => {
            EventData::InvitationWithdrawn(InvitationWithdrawn { user, by: None })
        }
        // The other one is an owner by the event before it.
        Action::GroupTransfer { .. } => EventData::RoleChanged(RoleChanged {
            user: actor,
            role: Role::Admin,
        }),
        Action::GroupUnban { user, .. } => EventData::MemberUnbanned(MemberUnbanned { user }),
        Action::MessageEdit { message, content, .. } => EventData::MessageEdited(MessageEdited {
            message,
            message_seq: 0,
            content: Some(content),
        }),
        Action::MessageRecall { message, .. } => EventData::MessageRecalled(MessageRecalled {
            message,
            message_seq: 0,
            message_no: 0,
            reason: None,
        }),
        Action::MessageReact {
            message, emoji, on, ..
        } => EventData::ReactionChanged(ReactionChanged {
            message,
            message_seq: 0,
            emoji,
            on,
        }),
        Action::MessagePin { message, on, .. } => EventData::PinChanged(PinChanged {
            message,
            message_seq: 0,
            on,
        }),
        _ => return None,
    })
}

/// What stands for the content of a message that says what another one does.
const FORWARDED: &str = "forwarded";

/// Whether a message is its content and nothing else.
fn is_plain(send: &MessageSend) -> bool {
    send.reply_to.is_none() && send.mentions.is_empty() && send.thread.is_none() && !send.everyone
}

/// The digest of a message that is more than its content. Those who are named are a set.
fn message(send: &MessageSend, content: &str) -> u64 {
    let mut mentions = send.mentions.clone();
    mentions.sort_unstable();
    let (reply_to, thread) = (send.reply_to, send.thread);
    let (also, everyone) = (send.also, send.everyone);
    digest(&format!(
        "{reply_to:?} {mentions:?} {thread:?} {also} {everyone} {content}"
    ))
}

/// The notice that a command makes, as far as the command decides it.
fn noticed(action: &Action) -> Option<NoticeData> {
    let (seq, message_no) = (0, 0);
    Some(match action.clone() {
        Action::MessageHide {
            conversation,
            messages,
        } => NoticeData::MessagesHidden(MessagesHidden {
            conversation,
            messages,
            seqs: vec![],
            message_nos: vec![],
        }),
        Action::ConversationClear { conversation, seq } => {
            NoticeData::ConversationCleared(ConversationCleared {
                conversation,
                seq,
                message_no,
            })
        }
        Action::ConversationMute {
            conversation,
            on,
            until,
        } => NoticeData::ConversationMuted(ConversationMuted {
            conversation,
            on,
            until,
            seq,
            message_no,
        }),
        Action::ConversationArchive { conversation, on } => {
            NoticeData::ConversationArchived(ConversationArchived {
                conversation,
                on,
                seq,
                message_no,
            })
        }
        Action::ConversationMark { conversation, unread } => {
            NoticeData::ConversationMarked(ConversationMarked {
                conversation,
                unread,
                seq: None,
            })
        }
        Action::ThreadFollow {
            conversation,
            thread,
            on,
        } => NoticeData::ThreadFollowed(ThreadFollowed {
            conversation,
            thread,
            on,
        }),
        Action::ProfileUpdate(profile) => NoticeData::ProfileUpdated(profile),
        Action::SettingsUpdate(settings) => NoticeData::SettingsUpdated(settings),
        _ => return None,
    })
}

/// The digest of what a notice tells, as far as a command decides it: not where the conversation was.
pub fn tells(data: &NoticeData) -> u64 {
    let mut data = data.clone();
    match &mut data {
        NoticeData::ConversationMuted(muted) => (muted.seq, muted.message_no) = (0, 0),
        NoticeData::ConversationArchived(archived) => (archived.seq, archived.message_no) = (0, 0),
        NoticeData::ConversationMarked(marked) => marked.seq = None,
        NoticeData::ConversationCleared(cleared) => cleared.message_no = 0,
        NoticeData::MessagesHidden(hidden) => {
            hidden.messages.sort_unstable();
            hidden.messages.dedup();
            hidden.seqs.clear();
            hidden.message_nos.clear();
        }
        _ => {}
    }
    digest(&json(&data))
}

/// The digest of what an event says, as far as a command decides it: of a message its content, and whom it answers and names, unless it
/// was sent on, for then the server says what it says; of a change of one, not where it stands; of links and invitations, not until when,
/// and of one that is taken back, not whose it was.
pub fn says(data: &EventData) -> u64 {
    match data {
        EventData::MessageSent(sent) => {
            let Some(content) = &sent.content else { return 0 };
            let send = MessageSend {
                reply_to: sent.reply_to,
                mentions: sent.mentions.clone(),
                everyone: sent.everyone,
                thread: sent.thread,
                also: sent.also,
                ..MessageSend::new(Uuid::nil(), content.clone())
            };
            match content {
                _ if sent.forwarded.is_some() => message(&send, FORWARDED),
                Content::Text { text } if is_plain(&send) => digest(text),
                content => message(&send, &json(content)),
            }
        }
        EventData::GroupCreated(created) => {
            let mut created = created.clone();
            // The first member is the owner; the others come in any order.
            created.members.sort_unstable();
            created.members.dedup();
            written(&EventData::GroupCreated(created))
        }
        EventData::MessageEdited(edited) => written(&EventData::MessageEdited(MessageEdited {
            message_seq: 0,
            ..edited.clone()
        })),
        EventData::MessageRecalled(recalled) => written(&EventData::MessageRecalled(MessageRecalled {
            message_seq: 0,
            message_no: 0,
            ..recalled.clone()
        })),
        EventData::ReactionChanged(reaction) => written(&EventData::ReactionChanged(ReactionChanged {
            message_seq: 0,
            ..reaction.clone()
        })),
        EventData::PinChanged(pin) => written(&EventData::PinChanged(PinChanged {
            message_seq: 0,
            ..pin.clone()
        })),
        // Whether they had asked for it, and what came of that, is the server's to say.
        EventData::MemberAdded(added) => written(&EventData::MemberAdded(MemberAdded {
            asked: false,
            waited: false,
            ..added.clone()
        })),
        EventData::MessageWithheld(changed) => written(&EventData::MessageWithheld(MessageWithheld {
            message_seq: 0,
            message_no: 0,
            ..changed.clone()
        })),
        EventData::InvitationSent(sent) => invited(sent.user, sent.by),
        // What role somebody has who takes one back, and so whether it was theirs or all, is not said by the command.
        EventData::InvitationWithdrawn(withdrawn) => {
            written(&EventData::InvitationWithdrawn(InvitationWithdrawn {
                by: None,
                ..*withdrawn
            }))
        }
        EventData::LinkCreated(created) => linked(created.link, created.by, created.uses),
        data => written(data),
    }
}

fn written(data: &EventData) -> u64 {
    digest(&json(data))
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Whether an event comes without what it once said.
pub fn is_withheld(data: &EventData) -> bool {
    match data {
        EventData::MessageSent(sent) => sent.content.is_none(),
        EventData::MessageEdited(edited) => edited.content.is_none(),
        _ => false,
    }
}

/// What a notice of this kind tells, from the log; none of a kind that makes none, or of another shape.
pub fn notice(kind: &str, data: &str) -> Option<NoticeData> {
    let notice = format!(r#"{{"seq":0,"kind":"{kind}","at":"1970-01-01T00:00:00.000Z","data":{data}}}"#);
    let notice: Notice = serde_json::from_str(&notice).ok()?;
    Some(notice.decode()).filter(|data| *data != NoticeData::Unknown)
}

/// What an event of this kind says, from the log.
pub fn logged(kind: &str, data: &str) -> u64 {
    says(&EventData::decode(&EventKind::from(kind), data))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Uuid = Uuid::from_u128(1);
    const BEN: Uuid = Uuid::from_u128(2);
    const ROOM: Uuid = Uuid::from_u128(3);
    const UNTIL: &str = "2026-12-24T12:00:00.000Z";

    fn change(actor: Uuid, action: Action) -> (Uuid, u64) {
        let said = Said::change(actor, ROOM, action).unwrap();
        (said.id, said.digest)
    }

    #[test]
    fn links_and_invitations_say_what_was_asked_for_however_long_they_hold() {
        let (conversation, user) = (ROOM, BEN);
        let (_, invites) = change(ANN, Action::GroupInvite { conversation, user });
        let sent = |user: Uuid| {
            let data = format!(r#"{{"user":"{user}","by":"{ANN}","until":"{UNTIL}","name":"room"}}"#);
            logged("invitation.sent", &data)
        };
        assert_eq!(invites, sent(BEN));
        assert_ne!(invites, sent(ANN));
        let create = Action::GroupLinkCreate {
            conversation,
            expires_in_s: None,
            uses: Some(2),
        };
        let (link, creates) = change(ANN, create);
        let created = |link: Uuid, uses: u32| {
            let data = format!(
                r#"{{"link":"{link}","proof":"{ROOM}","by":"{ANN}","until":"{UNTIL}","uses":{uses}}}"#
            );
            logged("link.created", &data)
        };
        assert_eq!(creates, created(link, 2));
        assert_ne!(creates, created(link, 3));
        assert_ne!(creates, created(ROOM, 2));
    }

    #[test]
    fn an_invitation_is_taken_back_whosever_it_was() {
        let (conversation, user) = (ROOM, BEN);
        let (_, withdraws) = change(ANN, Action::GroupWithdraw { conversation, user });
        for by in [String::new(), format!(r#","by":"{ANN}""#)] {
            let data = format!(r#"{{"user":"{BEN}"{by}}}"#);
            assert_eq!(withdraws, logged("invitation.withdrawn", &data));
        }
    }

    #[test]
    fn whoever_comes_in_says_by_which_link() {
        let added = |link: &str| {
            let data = format!(r#"{{"user":"{BEN}","role":"member"{link}}}"#);
            logged("member.added", &data)
        };
        let accepts = change(BEN, Action::GroupAccept { conversation: ROOM }).1;
        assert_eq!(accepts, added(""));
        let joins = Said::join(BEN, ROOM, ANN, "secret".to_owned());
        assert_eq!(joins.digest, added(&format!(r#","link":"{ANN}""#)));
        assert_ne!(joins.digest, accepts);
    }
}
