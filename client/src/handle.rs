//! The handle that sends, and the future of each command.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::stream::BoxStream;
use tidings_protocol::{
    Ack, Action, ClientFrame, Command, Content, Events, GroupSettings, MessageSend, PresenceState, Profile,
    Settings, Source, Status, Timestamp,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    CommandError, ConnectionState, Kept, SendStatus,
    flight::{Answer, Request, fresh_id},
    keeper::Settled,
    status::{self, StatusReceiver},
};

/// Sends commands through a connection's task. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Client {
    requests: mpsc::Sender<Outgoing>,
    store: Option<ToStore>,
    state: watch::Receiver<ConnectionState>,
    ended: CancellationToken,
}

/// The way of commands through the store.
#[derive(Debug, Clone)]
pub(crate) struct ToStore {
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) settled: Arc<Settled>,
}

/// What a handle passes to the task.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Command(Request),
    /// Sent when the connection stands, else dropped.
    Ephemeral(String),
}

impl Client {
    pub(crate) fn new(
        requests: mpsc::Sender<Outgoing>,
        store: Option<ToStore>,
        state: watch::Receiver<ConnectionState>,
        ended: CancellationToken,
    ) -> Self {
        Self {
            requests,
            store,
            state,
            ended,
        }
    }

    /// How the connection is, to look at or to wait for. It runs ahead of the stream of events, which may still hold
    /// what was sent before.
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.clone()
    }

    /// Queues a command under a new UUIDv7; waits while the queue is full. With a store it returns when that has the
    /// command, which is not lost from then on.
    ///
    /// The ack comes however slow the user takes events, so it may be awaited between them. A command that the server
    /// refuses for now is sent again until its time is over, and those to the same conversation that were not sent yet
    /// wait behind it, and hold up no other conversation as long as they are no more than 1,024; those already sent may overtake it.
    /// Whoever needs one after the other awaits each ack.
    ///
    /// # Errors
    /// [`CommandError::Closed`] when the connection has ended for good; [`CommandError::NotKept`] and
    /// [`CommandError::UnderWay`] when the store does not take it. What becomes of the command is told by the [`Pending`].
    pub async fn send(&self, action: Action) -> Result<Pending, CommandError> {
        self.send_as(fresh_id(), action).await
    }

    /// The same under an id of the caller's, for instance to repeat a command of an earlier process.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_as(&self, id: Uuid, action: Action) -> Result<Pending, CommandError> {
        self.submit(id, action).await
    }

    /// Sends a message that answers nothing and names nobody; [`Pending::id`] is its id.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn say(&self, conversation: Uuid, content: Content) -> Result<Pending, CommandError> {
        let send = MessageSend::new(conversation, content);
        self.send(Action::MessageSend(send)).await
    }

    /// Sends a reply in the thread of a group that the message `thread` begins, which may have been queued right before; with `also`
    /// the main timeline shows it, too.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn reply(
        &self,
        conversation: Uuid,
        thread: Uuid,
        content: Content,
        also: bool,
    ) -> Result<Pending, CommandError> {
        let reply = MessageSend {
            thread: Some(thread),
            also,
            ..MessageSend::new(conversation, content)
        };
        self.send(Action::MessageSend(reply)).await
    }

    /// Gives a message of the user's own another content: another text, or another caption with the same attachment.
    ///
    /// It may be queued right behind the message's own [`Self::send`], whose [`Pending::id`] is the message's. Events say
    /// that it was done ([`tidings_protocol::MessageEdited`]), for this user's devices too; one that comes behind the message's
    /// recall has no effect.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn edit(
        &self,
        conversation: Uuid,
        message: Uuid,
        content: Content,
    ) -> Result<Pending, CommandError> {
        self.send(Action::MessageEdit {
            conversation,
            message,
            content,
        })
        .await
    }

    /// Takes a message back. What is read of it from then on has no content.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn recall(&self, conversation: Uuid, message: Uuid) -> Result<Pending, CommandError> {
        self.send(Action::MessageRecall {
            conversation,
            message,
        })
        .await
    }

    /// Sets a reaction of the user to a message, or takes it back. `emoji` is one grapheme, or `:name:`.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn react(
        &self,
        conversation: Uuid,
        message: Uuid,
        emoji: impl Into<String>,
        on: bool,
    ) -> Result<Pending, CommandError> {
        self.send(Action::MessageReact {
            conversation,
            message,
            emoji: emoji.into(),
            on,
        })
        .await
    }

    /// Sends on what another message says, and no more.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn forward(&self, conversation: Uuid, source: Source) -> Result<Pending, CommandError> {
        let forward = MessageSend::forwarding(conversation, source);
        self.send(Action::MessageSend(forward)).await
    }

    /// Pins a message, or takes the pin away.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn pin(&self, conversation: Uuid, message: Uuid, on: bool) -> Result<Pending, CommandError> {
        self.send(Action::MessagePin {
            conversation,
            message,
            on,
        })
        .await
    }

    /// Sets a group otherwise: what `settings` names, and nothing else.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn set_group(
        &self,
        conversation: Uuid,
        settings: GroupSettings,
    ) -> Result<Pending, CommandError> {
        self.send(Action::GroupSettings {
            conversation,
            settings,
        })
        .await
    }

    /// Lets a member of a group write nothing, until a moment or for ever, or ends that.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn mute_member(
        &self,
        conversation: Uuid,
        user: Uuid,
        on: bool,
        until: Option<Timestamp>,
    ) -> Result<Pending, CommandError> {
        self.send(Action::GroupMute {
            conversation,
            user,
            on,
            until,
        })
        .await
    }

    /// Puts somebody out of a group and keeps them out, until a moment or for ever.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn ban(
        &self,
        conversation: Uuid,
        user: Uuid,
        until: Option<Timestamp>,
        reason: Option<String>,
    ) -> Result<Pending, CommandError> {
        self.send(Action::GroupBan {
            conversation,
            user,
            until,
            reason,
        })
        .await
    }

    /// Lifts a ban.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn unban(&self, conversation: Uuid, user: Uuid) -> Result<Pending, CommandError> {
        self.send(Action::GroupUnban { conversation, user }).await
    }

    /// Makes an invite link: `link` and `secret` are in the [data](Ack::data) of its ack.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn create_link(
        &self,
        conversation: Uuid,
        expires_in_s: Option<u32>,
        uses: Option<u32>,
    ) -> Result<Pending, CommandError> {
        self.send(Action::GroupLinkCreate {
            conversation,
            expires_in_s,
            uses,
        })
        .await
    }

    /// Comes into a group by the secret of a link.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn join_by(&self, secret: impl Into<String>) -> Result<Pending, CommandError> {
        self.send(Action::GroupJoin {
            conversation: None,
            secret: Some(secret.into()),
        })
        .await
    }

    /// Comes into a group that is open, or asks to be let in.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn join(&self, conversation: Uuid) -> Result<Pending, CommandError> {
        self.send(Action::GroupJoin {
            conversation: Some(conversation),
            secret: None,
        })
        .await
    }

    /// Asks somebody to come into a group.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn invite(&self, conversation: Uuid, user: Uuid) -> Result<Pending, CommandError> {
        self.send(Action::GroupInvite { conversation, user }).await
    }

    /// Comes into a group that one is invited to.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn accept_invitation(&self, conversation: Uuid) -> Result<Pending, CommandError> {
        self.send(Action::GroupAccept { conversation }).await
    }

    /// Does not. It may be sent again after a week.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn decline_invitation(&self, conversation: Uuid) -> Result<Pending, CommandError> {
        self.send(Action::GroupDecline { conversation }).await
    }

    /// Takes an invitation back, or one's own asking to be let in.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn withdraw_invitation(&self, conversation: Uuid, user: Uuid) -> Result<Pending, CommandError> {
        self.send(Action::GroupWithdraw { conversation, user }).await
    }

    /// Makes somebody else the owner of a group in one's own place.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn transfer(&self, conversation: Uuid, user: Uuid) -> Result<Pending, CommandError> {
        self.send(Action::GroupTransfer { conversation, user }).await
    }

    /// Hides messages from oneself, on all of one's devices.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn hide(&self, conversation: Uuid, messages: Vec<Uuid>) -> Result<Pending, CommandError> {
        self.send(Action::MessageHide {
            conversation,
            messages,
        })
        .await
    }

    /// Clears a conversation for oneself, up to a seq.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn clear(&self, conversation: Uuid, seq: u64) -> Result<Pending, CommandError> {
        self.send(Action::ConversationClear { conversation, seq }).await
    }

    /// Mutes a conversation for oneself, until a moment or for ever, or ends that.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn mute(
        &self,
        conversation: Uuid,
        on: bool,
        until: Option<Timestamp>,
    ) -> Result<Pending, CommandError> {
        self.send(Action::ConversationMute {
            conversation,
            on,
            until,
        })
        .await
    }

    /// Shows something else of oneself to everybody. What is not named stays as it is.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn update_profile(&self, profile: Profile) -> Result<Pending, CommandError> {
        self.send(Action::ProfileUpdate(profile)).await
    }

    /// Changes what others may do and know. What is not named stays as it is.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn update_settings(&self, settings: Settings) -> Result<Pending, CommandError> {
        self.send(Action::SettingsUpdate(settings)).await
    }

    /// Asks somebody to be a contact.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn request_contact(&self, user: Uuid, text: Option<String>) -> Result<Pending, CommandError> {
        self.send(Action::ContactRequest { user, text }).await
    }

    /// Takes somebody for a contact who has asked.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn accept_contact(&self, user: Uuid) -> Result<Pending, CommandError> {
        self.send(Action::ContactAccept { user }).await
    }

    /// Does not take somebody for a contact who has asked, and is not told.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn decline_contact(&self, user: Uuid) -> Result<Pending, CommandError> {
        self.send(Action::ContactDecline { user }).await
    }

    /// Asks somebody no more.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn withdraw_contact(&self, user: Uuid) -> Result<Pending, CommandError> {
        self.send(Action::ContactWithdraw { user }).await
    }

    /// Ends being contacts.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn remove_contact(&self, user: Uuid) -> Result<Pending, CommandError> {
        self.send(Action::ContactRemove { user }).await
    }

    /// Blocks somebody, who is not told, or does so no more.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn block(&self, user: Uuid, on: bool) -> Result<Pending, CommandError> {
        self.send(Action::UserBlock { user, on }).await
    }

    /// Tells moderators what is wrong with a message. Nobody else learns of it.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn report(
        &self,
        conversation: Uuid,
        message: Uuid,
        reason: String,
        note: Option<String>,
    ) -> Result<Pending, CommandError> {
        self.send(Action::ReportSend {
            conversation,
            message,
            reason,
            note,
        })
        .await
    }

    /// Archives a conversation for oneself, or takes it back.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn archive(&self, conversation: Uuid, on: bool) -> Result<Pending, CommandError> {
        self.send(Action::ConversationArchive { conversation, on }).await
    }

    /// Marks a conversation as unread for oneself, or ends that. A `read` there ends it too, and so does a message of one's own.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn mark_unread(&self, conversation: Uuid, unread: bool) -> Result<Pending, CommandError> {
        self.send(Action::ConversationMark { conversation, unread }).await
    }

    /// Follows a thread, or does so no more, whoever replies in it or mentions the user. Notices tell the user's devices.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn follow(&self, conversation: Uuid, thread: Uuid, on: bool) -> Result<Pending, CommandError> {
        self.send(Action::ThreadFollow {
            conversation,
            thread,
            on,
        })
        .await
    }

    /// Asks for at most `limit` events of a conversation from seq `from` on. They do not move any cursor. Where none of many can be shown,
    /// [`Events::next`] says where to ask on.
    ///
    /// # Errors
    /// Any [`CommandError`].
    pub async fn fetch(&self, conversation: Uuid, from: u64, limit: u32) -> Result<Events, CommandError> {
        let action = Action::Fetch {
            conversation,
            from,
            limit,
        };
        match self.submit(fresh_id(), action).await?.answer.await {
            Ok(Ok(Answer::Events(events))) => Ok(events),
            Ok(Ok(Answer::Ack(_) | Answer::Presence(_))) => Err(CommandError::Unfit),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(CommandError::Closed { sent: false }),
        }
    }

    /// Watches who is there of these people and in these conversations, in place of whatever this connection has watched; returns how
    /// it is now, and changes come out of the stream. The list ends with the connection: whoever goes on watching says it again after
    /// each [`crate::Incoming::Synced`].
    ///
    /// # Errors
    /// Any [`CommandError`].
    pub async fn watch(
        &self,
        users: Vec<Uuid>,
        conversations: Vec<Uuid>,
    ) -> Result<PresenceState, CommandError> {
        let action = Action::PresenceWatch { users, conversations };
        match self.submit(fresh_id(), action).await?.answer.await {
            Ok(Ok(Answer::Presence(state))) => Ok(state),
            Ok(Ok(Answer::Ack(_) | Answer::Events(_))) => Err(CommandError::Unfit),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(CommandError::Closed { sent: false }),
        }
    }

    /// Says how the user is there on this connection, until something else is said or it ends; dropped as [`Self::typing`] is.
    pub fn status(&self, value: Status) {
        if let Ok(text) = serde_json::to_string(&ClientFrame::Status { value }) {
            // Ephemeral by contract: with a full queue it is better lost than late.
            let _ = self.requests.try_send(Outgoing::Ephemeral(text));
        }
    }

    /// Says that the user types or has stopped; dropped when there is no connection, no room,
    /// or the socket does not take it at once.
    pub fn typing(&self, conversation: Uuid, on: bool) {
        let frame = ClientFrame::Typing { conversation, on };
        if let Ok(text) = serde_json::to_string(&frame) {
            // Ephemeral by contract: with a full queue it is better lost than late.
            let _ = self.requests.try_send(Outgoing::Ephemeral(text));
        }
    }

    /// Ends the connection for all clones. What the server has sent until it hears of that still comes out of
    /// the stream, then a last `Disconnected`. To the server this is proof that the user has it all, so the connection
    /// waits up to two seconds for the user to take what waits; what is not taken by then stays unproved.
    pub fn close(&self) {
        self.ended.cancel();
    }

    async fn submit(&self, id: Uuid, action: Action) -> Result<Pending, CommandError> {
        // A question is no command: nobody waits for its answer after a crash.
        let store = self
            .store
            .as_ref()
            .filter(|_| !matches!(action, Action::Fetch { .. } | Action::PresenceWatch { .. }));
        let shape = Shape {
            conversation: action.conversation(),
            message: matches!(action, Action::MessageSend(_)),
        };
        let frame = ClientFrame::Command(Command { action, id });
        let text = serde_json::to_string(&frame).expect("maps with string keys always serialize");
        let settled = store.map(|store| Arc::clone(&store.settled));
        let (mut request, pending) = request(id, shape, text.into(), settled);
        let gone = CommandError::Closed { sent: false };
        let Some(store) = store else {
            let sent = self.requests.send(Outgoing::Command(request)).await;
            return sent.map(|()| pending).map_err(|_| gone);
        };
        let (stored, taken) = oneshot::channel();
        request.stored = Some(stored);
        store.requests.send(request).await.map_err(|_| gone)?;
        // It may just have been written when the connection ended.
        taken.await.map_err(|_| CommandError::Closed { sent: true })??;
        Ok(pending)
    }
}

/// What the task has to know of a command beside its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) conversation: Option<Uuid>,
    /// Whether it sends a message, which may be delivered and read.
    pub(crate) message: bool,
}

/// A command on its way, and what tells of it.
pub(crate) fn request(
    id: Uuid,
    shape: Shape,
    text: Arc<str>,
    settled: Option<Arc<Settled>>,
) -> (Request, Pending) {
    let (answer, receiver) = oneshot::channel();
    let (status, statuses) = status::channel();
    let request = Request {
        id,
        conversation: shape.conversation,
        message: shape.message,
        text,
        answer,
        status,
        stored: None,
        settled,
    };
    let pending = Pending {
        id,
        status: statuses,
        answer: receiver,
    };
    (request, pending)
}

/// A command of an earlier connection that had no answer, and is sent again.
#[derive(Debug)]
#[non_exhaustive]
pub struct Recovered {
    /// What was kept of it.
    pub kept: Kept,
    /// What becomes of it now.
    pub pending: Pending,
}

/// A command under way: a future of its ack. Dropping it does not take the command back.
///
/// A command in a store is answered in the end, or waits in the store: [`CommandError::Closed`] means that the next
/// connection sends it.
#[derive(Debug)]
pub struct Pending {
    id: Uuid,
    status: StatusReceiver,
    answer: oneshot::Receiver<Result<Answer, CommandError>>,
}

impl Pending {
    /// The command's id; for `message.send` also the message's.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// How far it has come by now.
    pub fn status(&self) -> SendStatus {
        *self.status.borrow()
    }

    /// How far it has come, and each change, until none can follow: it was refused or read, or the connection ended. Who looks
    /// rarely sees only the newest. That a message was delivered or read while this side was away is not told: of any message
    /// GraphQL says who has it (`deliveredTo`) and who has read it (`seenBy`).
    pub fn changes(&self) -> BoxStream<'static, SendStatus> {
        status::changes(self.status.clone())
    }
}

impl Future for Pending {
    type Output = Result<Ack, CommandError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(cx).map(|answer| match answer {
            Ok(Ok(Answer::Ack(ack))) => Ok(ack),
            Ok(Ok(Answer::Events(_) | Answer::Presence(_))) => Err(CommandError::Unfit),
            Ok(Err(error)) => Err(error),
            // The runtime ended around the task.
            Err(_) => Err(CommandError::Closed { sent: true }),
        })
    }
}
