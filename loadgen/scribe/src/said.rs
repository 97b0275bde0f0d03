//! What is asked of the server, and what the events say that it makes: as digests, for journals.

use tidings_journal::digest;
use tidings_protocol::{
    Action, Content, DirectOpened, EventData, EventKind, GroupCreated, GroupRenamed, MemberAdded, MemberLeft,
    MemberRemoved, MessageEdited, MessageRecalled, MessageSend, MessageSent, PinChanged, ReactionChanged,
    Role, RoleChanged,
};
use uuid::Uuid;

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
        let id = Uuid::now_v7();
        let content = Content::text(text);
        let digest = says(&EventData::MessageSent(MessageSent {
            message: id,
            content: Some(content.clone()),
            reply_to,
            mentions: mentions.clone(),
            thread: None,
            thread_author: None,
            also: false,
            everyone: false,
            forwarded: None,
        }));
        let action = Action::MessageSend(MessageSend {
            reply_to,
            mentions,
            ..MessageSend::new(conversation, content)
        });
        Self {
            id,
            conversation,
            action,
            digest,
        }
    }

    /// A change of a message, under a new id; none for what changes no message.
    pub fn amendment(conversation: Uuid, action: Action) -> Option<Self> {
        // Nobody does it here to a conversation that is not there yet.
        Self::change(Uuid::nil(), conversation, action)
    }

    /// The message that this one answers or changes.
    pub fn refers_to(&self) -> Option<Uuid> {
        match &self.action {
            Action::MessageSend(send) => send.reply_to,
            Action::MessageEdit { message, .. }
            | Action::MessageRecall { message, .. }
            | Action::MessageReact { message, .. }
            | Action::MessagePin { message, .. } => Some(*message),
            _ => None,
        }
    }

    pub fn changes_message(&self) -> bool {
        self.refers_to().is_some() && !matches!(self.action, Action::MessageSend(_))
    }

    pub fn names_people(&self) -> bool {
        matches!(&self.action, Action::MessageSend(send) if !send.mentions.is_empty())
    }

    /// A change of a conversation by `actor`, under a new id; none for what makes no such event.
    pub fn change(actor: Uuid, conversation: Uuid, action: Action) -> Option<Self> {
        let digest = says(&expected(actor, &action)?);
        Some(Self {
            id: Uuid::now_v7(),
            conversation,
            action,
            digest,
        })
    }
}

/// The event that a command makes.
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
        Action::GroupAdd { user, .. } => EventData::MemberAdded(MemberAdded {
            user,
            role: Role::Member,
        }),
        Action::GroupRemove { user, .. } => EventData::MemberRemoved(MemberRemoved { user }),
        Action::GroupLeave { .. } => EventData::MemberLeft(MemberLeft { user: actor }),
        Action::GroupRename { name, .. } => EventData::GroupRenamed(GroupRenamed { name }),
        Action::GroupRole { user, role, .. } => EventData::RoleChanged(RoleChanged { user, role }),
        Action::MessageEdit { message, content, .. } => EventData::MessageEdited(MessageEdited {
            message,
            message_seq: 0,
            content: Some(content),
        }),
        Action::MessageRecall { message, .. } => EventData::MessageRecalled(MessageRecalled {
            message,
            message_seq: 0,
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

/// The digest of what an event says, as far as a command decides it: of a message its text, and whom it answers and names; of a
/// change of one, not where it stands.
pub fn says(data: &EventData) -> u64 {
    match data {
        EventData::MessageSent(sent) => match &sent.content {
            Some(Content::Text { text }) if sent.reply_to.is_none() && sent.mentions.is_empty() => {
                digest(text)
            }
            Some(Content::Text { text }) => {
                // Those who are named are a set.
                let mut mentions = sent.mentions.clone();
                mentions.sort_unstable();
                digest(&format!("{:?} {mentions:?} {text}", sent.reply_to))
            }
            // Nobody here sends anything else.
            _ => 0,
        },
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
        data => written(data),
    }
}

fn written(data: &EventData) -> u64 {
    digest(&serde_json::to_string(data).unwrap_or_default())
}

/// Whether an event comes without what it once said.
pub fn is_withheld(data: &EventData) -> bool {
    match data {
        EventData::MessageSent(sent) => sent.content.is_none(),
        EventData::MessageEdited(edited) => edited.content.is_none(),
        _ => false,
    }
}

/// What an event of this kind says, from the log.
pub fn logged(kind: &str, data: &str) -> u64 {
    says(&EventData::decode(&EventKind::from(kind), data))
}
