//! From the wire's commands to the domain's. Each noun has a file of its own beside this one.

use super::hiding::{self, Hide};
use super::{
    ban, contact, direct, group, group_settings, invitation, joining, link, mark, message, muted, pin,
    presence, profile, reaction, report, setting, thread,
};
use serde_json::{Map, Value};
use tidings_domain::{
    Command, CommandId, ConversationCommand, ConversationId, DigestKey, Field, Mark, PairCommand, Rejection,
    UserCommand, UserId,
};
use tidings_protocol::{self as protocol, Action};
use uuid::Uuid;

/// What a command of the wire turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// For the conversation's lane.
    Command {
        command: Command,
        /// It may change who is a member, so reads that were asked for before it come before it.
        behind_reads: bool,
        /// What it makes for its sender alone, who is told once it is done.
        made: Option<Map<String, Value>>,
    },
    /// To have read so far.
    Read { conversation: ConversationId, seq: u64 },
    /// To mark a conversation for oneself, or a thread of it.
    Mark {
        conversation: ConversationId,
        mark: Mark,
    },
    /// To have something of a conversation gone for oneself.
    Hide {
        conversation: ConversationId,
        hide: Hide,
    },
    /// To change something of oneself.
    Own(UserCommand),
    /// To become something else to somebody.
    Pair {
        /// The direct conversation of the two, whether it is there or not.
        direct: ConversationId,
        user: UserId,
        command: PairCommand,
    },
    /// To tell moderators what is wrong with a message.
    Report(report::Report),
    /// To watch who is there of these people, and in these conversations.
    Watch {
        users: Vec<UserId>,
        conversations: Vec<ConversationId>,
    },
    /// To be shown so much of a conversation.
    Fetch {
        conversation: ConversationId,
        from: u64,
        limit: u32,
    },
}

/// Whose command it is, and what its ids derive from.
pub(super) struct Author {
    pub(super) log_id: Uuid,
    pub(super) user: UserId,
    pub(super) id: CommandId,
}

/// A command's conversation, and what it wants of it.
pub(super) type Translated = (ConversationId, ConversationCommand);

/// Turns a command into the domain's words. `log_id` is the log's own id, from which ids of conversations derive, `key`
/// its own key, from which secrets do.
///
/// # Errors
/// What cannot be right in any state.
pub fn translate(
    log_id: Uuid,
    key: &DigestKey,
    user: UserId,
    command: protocol::Command,
) -> Result<Wanted, Rejection> {
    let id = CommandId(command.id);
    let author = Author { log_id, user, id };
    let (conversation, body) = match command.action {
        Action::DirectOpen { user } => direct::open(&author, user),
        Action::GroupCreate { name, members } => group::create(&author, &name, members)?,
        Action::GroupAdd { conversation, user } => group::add(conversation, user),
        Action::GroupRemove { conversation, user } => group::remove(conversation, user),
        Action::GroupLeave { conversation } => group::leave(conversation),
        Action::GroupRename { conversation, name } => group::rename(conversation, &name)?,
        Action::GroupRole {
            conversation,
            user,
            role,
        } => group::change_role(conversation, user, role),
        Action::GroupTransfer { conversation, user } => group::transfer(conversation, user),
        Action::GroupSettings {
            conversation,
            settings,
        } => group_settings::change(conversation, settings),
        Action::GroupMute {
            conversation,
            user,
            on,
            until,
        } => muted::mute(conversation, user, on, until),
        Action::GroupBan {
            conversation,
            user,
            until,
            reason,
        } => ban::ban(conversation, user, until, reason.as_deref())?,
        Action::GroupUnban { conversation, user } => ban::unban(conversation, user),
        Action::GroupLinkCreate {
            conversation,
            expires_in_s,
            uses,
        } => link::create(&author, key, conversation, expires_in_s, uses),
        Action::GroupLinkRevoke { conversation, link } => link::revoke(conversation, link),
        Action::GroupJoin {
            secret: Some(secret), ..
        } => link::join(&secret)?,
        Action::GroupJoin {
            conversation: Some(conversation),
            ..
        } => joining::join(conversation),
        Action::GroupJoin { .. } => return Err(Rejection::NotFound(Field::Secret)),
        Action::GroupApprove { conversation, user } => joining::approve(conversation, user),
        Action::GroupRefuse { conversation, user } => joining::refuse(conversation, user),
        Action::GroupInvite { conversation, user } => invitation::invite(conversation, user),
        Action::GroupAccept { conversation } => invitation::accept(conversation),
        Action::GroupDecline { conversation } => invitation::decline(conversation),
        Action::GroupWithdraw { conversation, user } => invitation::withdraw(conversation, user),
        Action::MessageSend(send) => message::send(send)?,
        Action::MessageHide {
            conversation,
            messages,
        } => return Ok(hidden(conversation, hiding::hide(messages)?)),
        Action::ConversationClear { conversation, seq } => {
            return Ok(hidden(conversation, hiding::clear(seq)));
        }
        Action::ConversationMute {
            conversation,
            on,
            until,
        } => return Ok(marked(conversation, mark::mute(on, until))),
        Action::ConversationArchive { conversation, on } => {
            return Ok(marked(conversation, mark::archive(on)));
        }
        Action::ConversationMark { conversation, unread } => {
            return Ok(marked(conversation, mark::mark(unread)));
        }
        Action::ThreadFollow {
            conversation,
            thread,
            on,
        } => return Ok(marked(conversation, thread::follow(thread, on))),
        Action::ProfileUpdate(update) => {
            return Ok(Wanted::Own(UserCommand::UpdateProfile(profile::update(&update)?)));
        }
        Action::SettingsUpdate(update) => {
            return Ok(Wanted::Own(UserCommand::UpdateSettings(setting::update(update))));
        }
        Action::ContactRequest { user, text } => return contact::request(&author, user, text.as_deref()),
        Action::ContactAccept { user } => return Ok(contact::wanted(&author, user, PairCommand::Accept)),
        Action::ContactDecline { user } => return Ok(contact::wanted(&author, user, PairCommand::Decline)),
        Action::ContactWithdraw { user } => return Ok(contact::wanted(&author, user, PairCommand::Withdraw)),
        Action::ContactRemove { user } => return Ok(contact::wanted(&author, user, PairCommand::Remove)),
        Action::UserBlock { user, on } => {
            return Ok(contact::wanted(&author, user, PairCommand::Block { on }));
        }
        Action::ReportSend {
            conversation,
            message,
            reason,
            note,
        } => return report::send(conversation, message, &reason, note.as_deref()),
        Action::Read {
            conversation,
            seq,
            thread: Some(thread),
        } => return Ok(marked(conversation, thread::read(thread, seq))),
        Action::Read {
            conversation,
            seq,
            thread: None,
        } => {
            return Ok(Wanted::Read {
                conversation: ConversationId(conversation),
                seq,
            });
        }
        Action::PresenceWatch { users, conversations } => return presence::watch(users, conversations),
        Action::Fetch {
            conversation,
            from,
            limit,
        } => {
            return Ok(Wanted::Fetch {
                conversation: ConversationId(conversation),
                from,
                limit,
            });
        }
        Action::MessageEdit {
            conversation,
            message,
            content,
        } => message::edit(conversation, message, content)?,
        Action::MessageRecall {
            conversation,
            message,
        } => message::recall(conversation, message),
        Action::MessageReact {
            conversation,
            message,
            emoji,
            on,
        } => reaction::react(conversation, message, emoji, on)?,
        Action::MessagePin {
            conversation,
            message,
            on,
        } => pin::pin(conversation, message, on),
    };
    let behind_reads = !matches!(
        body,
        ConversationCommand::SendMessage(_)
            | ConversationCommand::EditMessage { .. }
            | ConversationCommand::RecallMessage { .. }
            | ConversationCommand::Moderate { .. }
            | ConversationCommand::React { .. }
            | ConversationCommand::Pin { .. }
    );
    let made = matches!(body, ConversationCommand::CreateLink { .. })
        .then(|| link::made(&author, key, conversation));
    let command = Command {
        id,
        actor: user,
        conversation,
        body,
    };
    Ok(Wanted::Command {
        command,
        behind_reads,
        made,
    })
}

fn marked(conversation: Uuid, mark: Mark) -> Wanted {
    Wanted::Mark {
        conversation: ConversationId(conversation),
        mark,
    }
}

fn hidden(conversation: Uuid, hide: Hide) -> Wanted {
    Wanted::Hide {
        conversation: ConversationId(conversation),
        hide,
    }
}
