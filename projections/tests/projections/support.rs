//! A migrated database of its own for each test, and people who talk in it.

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_domain::event::{
    Announced, AnnouncementChange, AnnouncementChanged, AttachmentRemoved, AttachmentStored, Avatar,
    ConversationArchived, ConversationCleared, ConversationMarked, ConversationMuted, CursorsMoved,
    DirectOpened, Forwarded, GroupCreated, GroupInvited, GroupRenamed, GroupSettingsChanged, InboxExpired,
    InvitationAccepted, InvitationDeclined, InvitationEnded, InvitationSent, InvitationWithdrawn,
    JoinRefused, JoinRequested, LinkCreated, LinkRevoked, MemberAdded, MemberBanned, MemberLeft, MemberMuted,
    MemberRemoved, MemberUnbanned, MessageEdited, MessageRecalled, MessageSent, MessageWithheld,
    MessagesHidden, PairChanged, PinChanged, Place, ProfileUpdated, ReactionChanged, Registered, ReportFiled,
    ReportHandled, RoleChanged, SettingsUpdated, ThreadFollowed, ThreadRead,
};
use tidings_domain::stored::{Kind, encode};
use tidings_domain::{
    ANNOUNCEMENTS, About, AnnouncementText, Audience, Change, Content, ConversationEvent, ConversationId,
    Cursor, DisplayName, Emoji, Ending, Event, FileName, Greeting, GroupName, Handling, MessageText, Moment,
    Reason, ReportEvent, ReportId, ReportNote, Role, SettingsChange, Told, UserEvent, UserId, Who, pair_of,
    reports_of,
};
use tidings_eventlog::record::lane_of;
use tidings_eventlog::{Appender, Batch, Log, LogConfig, NewEvent, Outcome, Proposal, Recorded};
use tidings_projections::{Observer, ProjectionError, Projector, Select};
use tidings_services::testing::shared;
use uuid::Uuid;

pub(crate) const LANES: u8 = 4;

/// Long enough for anything that happens at all.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) log: Log,
    pub(crate) appender: Appender,
    pub(crate) url: String,
}

/// A moment that is not over while tests run.
fn later() -> Moment {
    DateTime::from_timestamp(4_000_000_000, 0).unwrap().into()
}

impl World {
    /// An empty, migrated database with read models.
    pub(crate) async fn new() -> Self {
        let world = Self::bare().await;
        assert!(
            tidings_projections::setup(world.log.pool())
                .await
                .unwrap()
                .is_empty()
        );
        world
    }

    /// The same without read models.
    pub(crate) async fn bare() -> Self {
        let migrate = async |url: String| {
            let config = LogConfig::from_url(&url)?.with_timeout(PATIENCE);
            tidings_eventlog::schema::migrate(&config, u16::from(LANES)).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        };
        let database = shared().database("projections", migrate).await.unwrap();
        let config = LogConfig::from_url(database.url())
            .unwrap()
            .with_timeout(PATIENCE);
        // On a busy machine a read may take longer than a server should wait.
        let log = Log::new(config.pool().unwrap(), config.timeout);
        Self {
            appender: Appender::new(config),
            log,
            url: database.url().to_owned(),
        }
    }

    pub(crate) fn projector(&self) -> Projector {
        Projector::new(self.log.clone(), u16::from(LANES), Arc::new(()))
    }

    /// Brings every lane to its head.
    pub(crate) async fn settle(&self) {
        for lane in 0..LANES {
            self.projector().catch_up(lane).await.unwrap();
        }
    }

    /// Appends events of one command; answers them as recorded.
    pub(crate) async fn append(&self, stream: Uuid, actor: Uuid, events: &[Event]) -> Vec<Recorded> {
        self.append_stored(stream, actor, events.iter().map(new_event).collect())
            .await
    }

    pub(crate) async fn append_stored(
        &self,
        stream: Uuid,
        actor: Uuid,
        events: Vec<NewEvent>,
    ) -> Vec<Recorded> {
        loop {
            let guard = self.log.stream_heads(&[stream]).await.unwrap()[0].map_or(0, |head| head.guard);
            let mut batch = Batch::new(lane_of(stream));
            let (command, events) = (Uuid::new_v4(), events.clone());
            batch.push(&Proposal {
                stream,
                command,
                digest: 0,
                actor,
                guard,
                events,
            });
            match self.appender.append(&batch).await.unwrap() {
                Outcome::Appended(appended) => return appended.events,
                // Somebody else's control event came first.
                Outcome::Refused { .. } => {}
                Outcome::OtherTimeLine(at) => panic!("another time line: {at:?}"),
            }
        }
    }

    /// A stored event of any kind and content.
    pub(crate) async fn append_raw(&self, stream: Uuid, kind: i16, payload: &str) -> Recorded {
        let event = NewEvent {
            kind,
            ver: 1,
            control: false,
            countable: kind == 16,
            payload: payload.as_bytes().to_vec().into(),
        };
        self.append_stored(stream, Uuid::nil(), vec![event])
            .await
            .remove(0)
    }

    pub(crate) async fn say(&self, conversation: Uuid, actor: Uuid, event: impl Into<Event>) -> Recorded {
        self.append(conversation, actor, &[event.into()]).await.remove(0)
    }

    pub(crate) async fn register(&self, lane: u8, name: &str) -> Uuid {
        let user = UserId::mint(Uuid::new_v4(), lane).0;
        let registered = Registered {
            username: name.to_owned(),
            display_name: format!("{name} the person"),
        };
        self.say(user, user, UserEvent::Registered(registered)).await;
        user
    }

    pub(crate) async fn direct(&self, one: Uuid, other: Uuid, lane: u8) -> Uuid {
        let conversation = stream_id(lane);
        let users = if one <= other {
            [one.into(), other.into()]
        } else {
            [other.into(), one.into()]
        };
        self.say(
            conversation,
            one,
            ConversationEvent::DirectOpened(DirectOpened { users }),
        )
        .await;
        conversation
    }

    pub(crate) async fn group(&self, name: &str, members: &[Uuid], lane: u8) -> Uuid {
        let conversation = stream_id(lane);
        let created = GroupCreated {
            name: GroupName::parse(name).unwrap(),
            owner: members[0].into(),
            members: members.iter().map(|user| UserId(*user)).collect(),
        };
        self.say(conversation, members[0], ConversationEvent::GroupCreated(created))
            .await;
        conversation
    }

    pub(crate) async fn add(&self, conversation: Uuid, user: Uuid) -> Recorded {
        let added = MemberAdded {
            user: user.into(),
            role: Role::Member,
            link: None,
            asked: false,
            waited: false,
        };
        self.say(conversation, Uuid::nil(), ConversationEvent::MemberAdded(added))
            .await
    }

    /// Makes a link, by which nobody has come in yet.
    pub(crate) async fn link(&self, group: Uuid, by: Uuid, uses: Option<u32>) -> Uuid {
        let link = Uuid::new_v4();
        let created = LinkCreated {
            link,
            proof: Uuid::nil(),
            by: by.into(),
            until: DateTime::from_timestamp(4_000_000_000, 0).unwrap().into(),
            uses,
        };
        self.say(group, by, ConversationEvent::LinkCreated(created)).await;
        link
    }

    /// Comes in by a link.
    pub(crate) async fn come_by(&self, group: Uuid, user: Uuid, link: Uuid) -> Recorded {
        let added = MemberAdded {
            user: user.into(),
            role: Role::Member,
            link: Some(link),
            asked: false,
            waited: false,
        };
        self.say(group, user, ConversationEvent::MemberAdded(added)).await
    }

    pub(crate) async fn revoke(&self, group: Uuid, link: Uuid) -> Recorded {
        let revoked = LinkRevoked { link };
        self.say(group, Uuid::nil(), ConversationEvent::LinkRevoked(revoked))
            .await
    }

    /// Asks to be let in, or is refused.
    pub(crate) async fn ask_in(&self, group: Uuid, user: Uuid, on: bool) -> Recorded {
        let event = if on {
            ConversationEvent::JoinRequested(JoinRequested { user: user.into() })
        } else {
            ConversationEvent::JoinRefused(JoinRefused { user: user.into() })
        };
        self.say(group, user, event).await
    }

    /// Invites somebody, or ends that in some way.
    pub(crate) async fn invite(
        &self,
        group: Uuid,
        by: Uuid,
        user: Uuid,
        outcome: Option<Ending>,
    ) -> Recorded {
        let (by, user): (UserId, UserId) = (by.into(), user.into());
        let event = match outcome {
            None => ConversationEvent::InvitationSent(InvitationSent {
                user,
                by,
                until: later(),
                name: GroupName::parse("g").unwrap(),
            }),
            Some(Ending::Accepted) => ConversationEvent::InvitationAccepted(InvitationAccepted { user }),
            Some(Ending::Declined) => ConversationEvent::InvitationDeclined(InvitationDeclined { user }),
            Some(Ending::Withdrawn) => {
                ConversationEvent::InvitationWithdrawn(InvitationWithdrawn { user, by: None })
            }
        };
        self.say(group, by.0, event).await
    }

    /// Takes one's own invitation back.
    pub(crate) async fn take_back(&self, group: Uuid, by: Uuid, user: Uuid) -> Recorded {
        let withdrawn = InvitationWithdrawn {
            user: user.into(),
            by: Some(by.into()),
        };
        self.say(group, by, ConversationEvent::InvitationWithdrawn(withdrawn))
            .await
    }

    /// Somebody is told that they are invited, or what has become of it.
    pub(crate) async fn tell(&self, user: Uuid, group: Uuid, by: Uuid, outcome: Option<Ending>) -> Recorded {
        let conversation = ConversationId(group);
        let told = match outcome {
            None => Told::Invited(GroupInvited {
                conversation,
                name: GroupName::parse("g").unwrap(),
                by: by.into(),
                until: later(),
            }),
            Some(outcome) => Told::InvitationEnded(InvitationEnded {
                conversation,
                outcome,
                by: None,
            }),
        };
        self.say(user, user, UserEvent::Told(told)).await
    }

    /// Somebody is told that one of those who have invited them does so no more.
    pub(crate) async fn tell_taken_back(&self, user: Uuid, group: Uuid, by: Uuid) -> Recorded {
        let told = Told::InvitationEnded(InvitationEnded {
            conversation: ConversationId(group),
            outcome: Ending::Withdrawn,
            by: Some(by.into()),
        });
        self.say(user, user, UserEvent::Told(told)).await
    }

    pub(crate) async fn remove(&self, conversation: Uuid, user: Uuid) -> Recorded {
        let removed = MemberRemoved { user: user.into() };
        self.say(
            conversation,
            Uuid::nil(),
            ConversationEvent::MemberRemoved(removed),
        )
        .await
    }

    pub(crate) async fn leave(&self, conversation: Uuid, user: Uuid) -> Recorded {
        self.say(
            conversation,
            user,
            ConversationEvent::MemberLeft(MemberLeft { user: user.into() }),
        )
        .await
    }

    pub(crate) async fn rename(&self, conversation: Uuid, name: &str) -> Recorded {
        let renamed = GroupRenamed {
            name: GroupName::parse(name).unwrap(),
        };
        self.say(
            conversation,
            Uuid::nil(),
            ConversationEvent::GroupRenamed(renamed),
        )
        .await
    }

    pub(crate) async fn change_role(&self, conversation: Uuid, user: Uuid, role: Role) -> Recorded {
        let changed = RoleChanged {
            user: user.into(),
            role,
        };
        self.say(conversation, Uuid::nil(), ConversationEvent::RoleChanged(changed))
            .await
    }

    pub(crate) async fn send(
        &self,
        conversation: Uuid,
        sender: Uuid,
        text: &str,
        mentions: &[Uuid],
    ) -> Recorded {
        let sent = MessageSent {
            mentions: mentions.iter().map(|user| UserId(*user)).collect(),
            ..sent(text)
        };
        self.say(conversation, sender, ConversationEvent::MessageSent(sent))
            .await
    }

    /// Sends a message that mentions everybody, and some by name.
    pub(crate) async fn call(
        &self,
        conversation: Uuid,
        sender: Uuid,
        text: &str,
        mentions: &[Uuid],
    ) -> Recorded {
        let sent = MessageSent {
            mentions: mentions.iter().map(|user| UserId(*user)).collect(),
            everyone: true,
            ..sent(text)
        };
        self.say(conversation, sender, ConversationEvent::MessageSent(sent))
            .await
    }

    /// Sends on what another message says.
    pub(crate) async fn forward(&self, conversation: Uuid, sender: Uuid, source: &Recorded) -> Recorded {
        let forwarded = Forwarded {
            sender: source.actor.into(),
            at: source.at,
            conversation: source.stream.into(),
            message: source.command,
        };
        let sent = MessageSent {
            forwarded: Some(forwarded),
            ..sent("news")
        };
        self.say(conversation, sender, ConversationEvent::MessageSent(sent))
            .await
    }

    /// Mentions everybody in the thread below `root` alone.
    pub(crate) async fn call_in_thread(&self, root: &Recorded, sender: Uuid) -> Recorded {
        let sent = MessageSent {
            thread: Some(root.command),
            thread_author: Some(root.actor.into()),
            everyone: true,
            ..sent("all of you")
        };
        self.say(root.stream, sender, ConversationEvent::MessageSent(sent))
            .await
    }

    /// Replies in the thread below `root`, seen in the main timeline, too, or not.
    pub(crate) async fn reply(
        &self,
        root: &Recorded,
        sender: Uuid,
        also: bool,
        mentions: &[Uuid],
    ) -> Recorded {
        let sent = MessageSent {
            mentions: mentions.iter().map(|user| UserId(*user)).collect(),
            thread: Some(root.command),
            thread_author: Some(root.actor.into()),
            also,
            ..sent("a reply")
        };
        self.say(root.stream, sender, ConversationEvent::MessageSent(sent))
            .await
    }

    /// Messages in a conversation of which there is one event so far, and in its lane two. They are written straight into the log, in the
    /// form that appending gives them.
    pub(crate) async fn write_messages(&self, conversation: Uuid, sender: Uuid, count: u64) {
        let lane = lane_of(conversation);
        self.execute(&format!(
            "INSERT INTO event SELECT {lane}, 2 + n, '{conversation}', 1 + n, n, 16, 1, false, '{sender}', now() + n * interval '1 ms', \
             gen_random_uuid(), 0, 0, \
             convert_to('{{\"content\":{{\"kind\":\"text\",\"text\":\"message ' || n || '\"}}}}', 'UTF8') \
             FROM generate_series(1, {count}) n; \
             UPDATE log_lane SET head = {count} + 2 WHERE lane = {lane}; \
             UPDATE stream SET head_seq = {count} + 1, msg_no = {count} WHERE stream = '{conversation}'"
        ))
        .await;
    }

    /// Stores a file; its id is that of the command.
    pub(crate) async fn store(&self, owner: Uuid, size: u64) -> Recorded {
        let stored = AttachmentStored {
            name: FileName::parse("a file").unwrap(),
            media_type: "text/plain".to_owned(),
            size,
            sha256: format!("{size:064x}"),
            width: None,
            height: None,
        };
        self.say(owner, owner, UserEvent::AttachmentStored(stored)).await
    }

    pub(crate) async fn remove_file(&self, owner: Uuid, attachment: Uuid, size: u64) -> Recorded {
        let removed = AttachmentRemoved { attachment, size };
        self.say(owner, owner, UserEvent::AttachmentRemoved(removed))
            .await
    }

    /// Sends a message that shows a file.
    pub(crate) async fn show(&self, conversation: Uuid, sender: Uuid, attachment: Uuid) -> Recorded {
        let sent = MessageSent::new(Content::File {
            attachment,
            caption: Some(MessageText::parse("a file").unwrap()),
        });
        self.say(conversation, sender, ConversationEvent::MessageSent(sent))
            .await
    }

    pub(crate) async fn edit(&self, message: &Recorded, text: &str) -> Recorded {
        let edited = MessageEdited {
            message: message.command,
            message_seq: message.seq,
            content: Content::Text {
                text: MessageText::parse(text).unwrap(),
            },
        };
        self.say(
            message.stream,
            message.actor,
            ConversationEvent::MessageEdited(edited),
        )
        .await
    }

    pub(crate) async fn recall(&self, message: &Recorded, by: Uuid) -> Recorded {
        let recalled = MessageRecalled {
            message: message.command,
            message_seq: message.seq,
            message_no: number(message),
            reason: None,
        };
        self.say(message.stream, by, ConversationEvent::MessageRecalled(recalled))
            .await
    }

    /// A moderator keeps a message from everybody, or shows it again.
    pub(crate) async fn withhold(&self, message: &Recorded, by: Uuid, withheld: bool) -> Recorded {
        let changed = MessageWithheld {
            message: message.command,
            message_seq: message.seq,
            message_no: number(message),
            withheld,
            reason: withheld.then(|| Reason::parse("an address").unwrap()),
        };
        self.say(message.stream, by, ConversationEvent::MessageWithheld(changed))
            .await
    }

    pub(crate) async fn react(&self, message: &Recorded, by: Uuid, emoji: &str, on: bool) -> Recorded {
        let changed = ReactionChanged {
            message: message.command,
            message_seq: message.seq,
            emoji: Emoji::parse(emoji).unwrap(),
            on,
        };
        self.say(message.stream, by, ConversationEvent::ReactionChanged(changed))
            .await
    }

    pub(crate) async fn pin(&self, message: &Recorded, by: Uuid, on: bool) -> Recorded {
        let changed = PinChanged {
            message: message.command,
            message_seq: message.seq,
            on,
        };
        self.say(message.stream, by, ConversationEvent::PinChanged(changed))
            .await
    }

    pub(crate) async fn set(&self, group: Uuid, settings: SettingsChange) -> Recorded {
        let changed = GroupSettingsChanged { settings };
        self.say(
            group,
            Uuid::nil(),
            ConversationEvent::GroupSettingsChanged(changed),
        )
        .await
    }

    /// Mutes a member, or ends that.
    pub(crate) async fn silence(&self, group: Uuid, user: Uuid, on: bool) -> Recorded {
        let muted = MemberMuted {
            user: user.into(),
            on,
            until: None,
        };
        self.say(group, Uuid::nil(), ConversationEvent::MemberMuted(muted))
            .await
    }

    /// Bans somebody who is not in, or lifts that.
    pub(crate) async fn ban(&self, group: Uuid, user: Uuid, on: bool) -> Recorded {
        if on {
            return self.ban_until(group, user, 4_000_000_000).await;
        }
        let user = user.into();
        let event = ConversationEvent::MemberUnbanned(MemberUnbanned { user });
        self.say(group, Uuid::nil(), event).await
    }

    /// Bans somebody who is not in until so many seconds after 1970.
    pub(crate) async fn ban_until(&self, group: Uuid, user: Uuid, until: i64) -> Recorded {
        let event = ConversationEvent::MemberBanned(MemberBanned {
            user: user.into(),
            until: DateTime::from_timestamp(until, 0).map(Moment::from),
            reason: Some(Reason::parse("spam").unwrap()),
        });
        self.say(group, Uuid::nil(), event).await
    }

    /// Asks the live read models.
    pub(crate) async fn ask<T>(&self, select: Select<T>) -> Vec<T> {
        let client = self.log.pool().get().await.unwrap();
        let statement = client.prepare_cached(&select.sql(client.home())).await.unwrap();
        let rows = client.query(&statement, &select.values()).await.unwrap();
        rows.iter().map(|row| select.read(row).unwrap()).collect()
    }

    /// Everything that the log holds.
    pub(crate) async fn told(&self) -> Vec<Recorded> {
        let mut told = vec![];
        for head in self.log.heads().await.unwrap() {
            let most = head.head as usize;
            told.extend(self.log.lane(head.lane, 0, head.head, most).await.unwrap());
        }
        told
    }

    pub(crate) async fn read(&self, user: Uuid, at: &Recorded) -> Recorded {
        let moved = CursorsMoved {
            read: cursor_at(at),
            ..CursorsMoved::default()
        };
        self.say(user, user, UserEvent::CursorsMoved(moved)).await
    }

    pub(crate) async fn follow(&self, user: Uuid, root: &Recorded, on: bool) -> Recorded {
        let followed = ThreadFollowed {
            conversation: root.stream.into(),
            thread: root.command,
            on,
        };
        self.say(user, user, UserEvent::ThreadFollowed(followed)).await
    }

    pub(crate) async fn read_thread(&self, user: Uuid, root: Uuid, at: &Recorded) -> Recorded {
        let read = ThreadRead {
            conversation: at.stream.into(),
            thread: root,
            seq: at.seq,
        };
        self.say(user, user, UserEvent::ThreadRead(read)).await
    }

    pub(crate) async fn deliver(&self, user: Uuid, at: &Recorded) -> Recorded {
        let moved = CursorsMoved {
            delivered: cursor_at(at),
            ..CursorsMoved::default()
        };
        self.say(user, user, UserEvent::CursorsMoved(moved)).await
    }

    pub(crate) async fn expire(&self, user: Uuid, at: &Recorded) -> Recorded {
        self.say(
            user,
            user,
            UserEvent::InboxExpired(InboxExpired {
                cursors: cursor_at(at),
            }),
        )
        .await
    }

    /// Where a conversation is now.
    async fn place(&self, conversation: Uuid) -> Place {
        let head = self.log.stream_heads(&[conversation]).await.unwrap()[0].unwrap();
        Place {
            seq: head.seq,
            message_no: head.msg_no,
        }
    }

    /// Mutes a conversation for somebody, or ends that.
    pub(crate) async fn mute(
        &self,
        user: Uuid,
        conversation: Uuid,
        on: bool,
        until: Option<DateTime<Utc>>,
    ) -> Recorded {
        let muted = ConversationMuted {
            conversation: conversation.into(),
            on,
            until: until.map(Into::into),
            place: self.place(conversation).await,
        };
        self.say(user, user, UserEvent::ConversationMuted(muted)).await
    }

    pub(crate) async fn archive(&self, user: Uuid, conversation: Uuid, on: bool) -> Recorded {
        let archived = ConversationArchived {
            conversation: conversation.into(),
            on,
            place: self.place(conversation).await,
        };
        self.say(user, user, UserEvent::ConversationArchived(archived))
            .await
    }

    /// Marks a conversation as unread for somebody, or ends that.
    pub(crate) async fn mark(&self, user: Uuid, conversation: Uuid, unread: bool) -> Recorded {
        let seq = self.place(conversation).await.seq;
        let marked = ConversationMarked {
            conversation: conversation.into(),
            unread,
            seq: unread.then_some(seq),
        };
        self.say(user, user, UserEvent::ConversationMarked(marked)).await
    }

    /// Hides messages of a conversation from somebody.
    pub(crate) async fn hide(&self, user: Uuid, messages: &[Recorded]) -> Recorded {
        let hidden = MessagesHidden {
            conversation: messages[0].stream.into(),
            messages: messages.iter().map(|message| message.command).collect(),
            seqs: messages.iter().map(|message| message.seq).collect(),
            message_nos: messages.iter().map(number).collect(),
        };
        self.say(user, user, UserEvent::MessagesHidden(hidden)).await
    }

    /// Clears a conversation for somebody up to an event.
    pub(crate) async fn clear(&self, user: Uuid, at: &Recorded) -> Recorded {
        let cleared = ConversationCleared {
            conversation: at.stream.into(),
            seq: at.seq,
            message_no: at.msg_no,
        };
        self.say(user, user, UserEvent::ConversationCleared(cleared))
            .await
    }

    /// Shows something else of somebody.
    pub(crate) async fn profile(
        &self,
        user: Uuid,
        name: Option<&str>,
        about: Option<&str>,
        avatar: Option<Avatar>,
    ) -> Recorded {
        let updated = ProfileUpdated {
            display_name: name.map(|name| DisplayName::parse(name).unwrap()),
            about: about.map(|about| About::parse(about).unwrap()),
            avatar,
        };
        self.say(user, user, UserEvent::ProfileUpdated(updated)).await
    }

    pub(crate) async fn settings(&self, user: Uuid, updated: SettingsUpdated) -> Recorded {
        self.say(user, user, UserEvent::SettingsUpdated(updated)).await
    }

    /// Something becomes otherwise between two people.
    pub(crate) async fn pair(&self, by: Uuid, user: Uuid, change: Change, heard: bool) -> Recorded {
        let (by, user) = (UserId(by), UserId(user));
        self.between(PairChanged {
            by,
            user,
            change,
            heard,
            only: None,
        })
        .await
    }

    /// The same, perhaps for one of them alone.
    pub(crate) async fn between(&self, changed: PairChanged) -> Recorded {
        let (by, user) = (changed.by, changed.user);
        let pair = pair_of(ConversationId::direct(Uuid::nil(), by, user));
        self.say(pair, by.0, Event::Pair(changed)).await
    }

    /// Something becomes of an announcement.
    pub(crate) async fn announce(
        &self,
        by: Uuid,
        announcement: Uuid,
        change: AnnouncementChange,
    ) -> Recorded {
        let changed = AnnouncementChanged { announcement, change };
        self.say(ANNOUNCEMENTS, by, Event::Announcement(changed)).await
    }

    /// Somebody is told an announcement.
    pub(crate) async fn told_of(&self, user: Uuid, announcement: Uuid) -> Recorded {
        let announced = Announced {
            id: announcement,
            text: AnnouncementText::parse("news").unwrap(),
            at: DateTime::UNIX_EPOCH.into(),
        };
        self.say(user, user, UserEvent::Announced(announced)).await
    }

    /// Somebody has read their notices up to `seq`.
    pub(crate) async fn read_notices(&self, user: Uuid, seq: u64) -> Recorded {
        let cursor = Cursor { seq, msg_no: 0 };
        let moved = CursorsMoved {
            read: BTreeMap::from([(user.into(), cursor)]),
            ..CursorsMoved::default()
        };
        self.say(user, user, UserEvent::CursorsMoved(moved)).await
    }

    /// Somebody reports a message.
    pub(crate) async fn report(&self, message: &Recorded, by: Uuid, reason: &str) -> Recorded {
        self.report_as(message, by, reason, 1).await
    }

    /// The same of a message of so many versions.
    pub(crate) async fn report_as(
        &self,
        message: &Recorded,
        by: Uuid,
        reason: &str,
        versions: u32,
    ) -> Recorded {
        let conversation = ConversationId(message.stream);
        let filed = ReportFiled {
            report: ReportId::of(conversation, message.command, UserId(by)),
            by: UserId(by),
            conversation,
            message: message.command,
            sender: UserId(message.actor),
            reason: Reason::parse(reason).unwrap(),
            note: ReportNote::parse("again").ok(),
            versions,
        };
        let reports = reports_of(conversation, message.command);
        self.say(reports, by, Event::Report(ReportEvent::Filed(filed)))
            .await
    }

    /// Somebody sees to what `reporter` has reported.
    pub(crate) async fn handle(
        &self,
        message: &Recorded,
        reporter: Uuid,
        by: Uuid,
        action: Handling,
    ) -> Recorded {
        let conversation = ConversationId(message.stream);
        let handled = ReportHandled {
            report: ReportId::of(conversation, message.command, UserId(reporter)),
            by: UserId(by),
            action,
            note: Reason::parse("looked at").ok(),
        };
        let reports = reports_of(conversation, message.command);
        self.say(reports, by, Event::Report(ReportEvent::Handled(handled)))
            .await
    }

    /// Rows of a query as text.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        let client = self.log.pool().get().await.unwrap();
        let rows = client
            .query(&format!("SELECT q::text FROM ({sql}) q"), &[])
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.log
            .pool()
            .get()
            .await
            .unwrap()
            .batch_execute(sql)
            .await
            .unwrap();
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.log
            .pool()
            .get()
            .await
            .unwrap()
            .query_one(sql, &[])
            .await
            .unwrap()
            .get(0)
    }

    /// Every row of every read model, by table.
    pub(crate) async fn everything(&self) -> BTreeMap<String, Vec<String>> {
        let mut tables = BTreeMap::new();
        for projection in tidings_projections::all() {
            for table in projection.tables() {
                let name = format!("{}.{}", projection.schema(), table.name);
                let sql = format!("SELECT * FROM {name} ORDER BY {}", table.key.join(", "));
                tables.insert(name, self.rows(&sql).await);
            }
        }
        tables
    }

    /// As a program leaves it that knows these read models in the version before only.
    pub(crate) async fn forget_version(&self, names: &[&str]) {
        for name in names {
            let projection = tidings_projections::find(name).unwrap();
            let (schema, version) = (projection.schema(), projection.version());
            self.execute(&format!(
                "DROP SCHEMA {schema} CASCADE; CREATE SCHEMA p_{name}; CREATE TABLE p_{name}.kept (id int); \
                 UPDATE projection_checkpoint SET version = {version} - 1 WHERE projection = '{name}'; \
                 UPDATE projection_version SET version = {version} - 1 WHERE projection = '{name}'"
            ))
            .await;
        }
    }

    /// Schemas of read models.
    /// The schemas of read models, but for what rebuilds have replaced.
    pub(crate) async fn schemas(&self) -> Vec<String> {
        self.rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'p\\_%' AND nspname NOT LIKE '%\\_old' ORDER BY 1")
            .await
    }

    /// Compares all read models with the log.
    pub(crate) async fn assert_as_the_log_says(&self) {
        let report = tidings_projections::verify(&self.log, &[], 2, &()).await.unwrap();
        assert!(report.is_equal(), "{report:#?}");
    }
}

/// An event as the log takes it.
pub(crate) fn new_event(event: &Event) -> NewEvent {
    let (kind, ver, payload) = encode(event);
    let (control, countable) = (kind.is_control_event(event), kind.is_countable());
    NewEvent {
        kind: kind.0,
        ver,
        control,
        countable,
        payload: payload.into(),
    }
}

/// The number of a message, where it is in a count.
pub(crate) fn number(message: &Recorded) -> u64 {
    if Kind(message.kind).is_countable() {
        message.msg_no
    } else {
        0
    }
}

fn cursor_at(at: &Recorded) -> BTreeMap<ConversationId, Cursor> {
    BTreeMap::from([(
        at.stream.into(),
        Cursor {
            seq: at.seq,
            msg_no: at.msg_no,
        },
    )])
}

/// Remembers what went wrong.
#[derive(Default)]
pub(crate) struct Failures(pub(crate) Mutex<Vec<String>>);

impl Observer for Failures {
    fn failed(&self, lane: u8, error: &ProjectionError) {
        self.0.lock().unwrap().push(format!("lane {lane}: {error}"));
    }
}

/// A message of the main timeline.
pub(crate) fn sent(text: &str) -> MessageSent {
    MessageSent::new(Content::Text {
        text: MessageText::parse(text).unwrap(),
    })
}

pub(crate) fn stream_id(lane: u8) -> Uuid {
    UserId::mint(Uuid::new_v4(), lane).0
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, waiting).await.is_ok(),
        "never came true: {what}"
    );
}

/// People who talk, come and go as chance has it, on all lanes.
pub(crate) struct Crowd {
    rng: StdRng,
    users: Vec<Uuid>,
    groups: Vec<(Uuid, BTreeSet<Uuid>, Vec<Recorded>)>,
    /// By owner, with their sizes.
    files: Vec<(Uuid, Uuid, u64)>,
    /// Announcements that wait.
    scheduled: Vec<Uuid>,
    announced: u128,
}

impl Crowd {
    pub(crate) async fn new(world: &World, seed: u64) -> Self {
        eprintln!("crowd of seed {seed}");
        let mut users = vec![];
        for n in 0..8 {
            users.push(world.register(n % LANES, &format!("u{n}")).await);
        }
        let mut groups = vec![];
        for n in 0..5_u8 {
            let group = world.group(&format!("g{n}"), &users[..4], (n + 1) % LANES).await;
            groups.push((group, users[..4].iter().copied().collect(), vec![]));
        }
        Self {
            rng: StdRng::seed_from_u64(seed),
            users,
            groups,
            files: vec![],
            scheduled: vec![],
            announced: 0,
        }
    }

    pub(crate) fn users(&self) -> &[Uuid] {
        &self.users
    }

    /// The groups with those who are members now.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (Uuid, &BTreeSet<Uuid>)> {
        self.groups.iter().map(|(group, members, _)| (*group, members))
    }

    /// One thing happens.
    pub(crate) async fn act(&mut self, world: &World) {
        let deed = self.rng.random_range(0..53);
        let user = *self.users.choose(&mut self.rng).unwrap();
        let which = self.rng.random_range(0..self.groups.len());
        let (group, members, said) = &mut self.groups[which];
        let earlier = said.choose(&mut self.rng).cloned();
        match (deed, earlier) {
            (0, _) if members.contains(&user) && members.len() > 1 => {
                members.remove(&user);
                world.leave(*group, user).await;
            }
            (0 | 1, _) if !members.contains(&user) => {
                members.insert(user);
                world.add(*group, user).await;
            }
            (2, _) => {
                world.rename(*group, &format!("name {which} {deed}")).await;
                let nth = said.len();
                let change = SettingsChange {
                    post: Some(if nth.is_multiple_of(2) {
                        Who::Admins
                    } else {
                        Who::Members
                    }),
                    slow_s: nth.is_multiple_of(3).then_some(nth as u32),
                    ..SettingsChange::default()
                };
                world.set(*group, change).await;
                world.silence(*group, user, !nth.is_multiple_of(4)).await;
                world.ban(*group, user, !nth.is_multiple_of(5)).await;
                let link = world.link(*group, user, Some(3)).await;
                if nth.is_multiple_of(3) {
                    world.revoke(*group, link).await;
                }
                let outcome = nth.is_multiple_of(4).then_some(Ending::Declined);
                world.invite(*group, user, user, outcome).await;
                world.tell(user, *group, user, outcome).await;
                let (by, again) = (self.users[0], nth.is_multiple_of(3));
                world.invite(*group, by, user, None).await;
                world.tell(user, *group, by, None).await;
                if again {
                    world.take_back(*group, user, user).await;
                    world.tell_taken_back(user, *group, user).await;
                }
                if !members.contains(&user) {
                    world.ask_in(*group, user, !nth.is_multiple_of(4)).await;
                }
            }
            (3, _) if members.contains(&user) => {
                world.change_role(*group, user, Role::Admin).await;
            }
            (4 | 5, Some(earlier)) => {
                world.read(user, &earlier).await;
            }
            (6 | 7, Some(earlier)) => {
                world.deliver(user, &earlier).await;
            }
            (8, Some(earlier)) => {
                world.expire(user, &earlier).await;
            }
            (9 | 10, Some(earlier)) => {
                world.edit(&earlier, &format!("edit {}", said.len())).await;
            }
            // Now and then one that is recalled already: two nodes may do it at once.
            (11, Some(earlier)) => {
                world.recall(&earlier, user).await;
            }
            (12..=14, Some(earlier)) => {
                let emoji = ["👍", "❤️", ":party:"].choose(&mut self.rng).unwrap();
                let on = self.rng.random_bool(0.7);
                world.react(&earlier, user, emoji, on).await;
            }
            (20, _) => {
                // Some have the same bytes.
                let size = self.rng.random_range(1..10);
                let stored = world.store(user, size).await;
                self.files.push((user, stored.command, size));
            }
            (21 | 22, _) if !self.files.is_empty() => {
                let (owner, file, _) = *self.files.choose(&mut self.rng).unwrap();
                let shown = world.show(*group, owner, file).await;
                // Some are taken back at once, and reported all the same.
                if said.len().is_multiple_of(3) {
                    world.recall(&shown, owner).await;
                    world.report(&shown, user, &format!("reason {deed}")).await;
                }
                said.push(shown);
            }
            (23, _) if self.files.len() > 6 => {
                let (owner, file, size) = self.files.swap_remove(0);
                world.remove_file(owner, file, size).await;
            }
            (24 | 25, Some(earlier)) => {
                let on = self.rng.random_bool(0.7);
                world.pin(&earlier, user, on).await;
            }
            (26 | 27, _) => {
                let on = self.rng.random_bool(0.6);
                // One that is over, one that is not, and for ever.
                let until = [Some(1_000_000_000), Some(4_000_000_000), None];
                let until = until.choose(&mut self.rng).copied().flatten().filter(|_| on);
                let until = until.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
                world.mute(user, *group, on, until).await;
            }
            (28 | 29, _) => {
                let on = self.rng.random_bool(0.8);
                world.archive(user, *group, on).await;
            }
            (30 | 31, _) => {
                let unread = self.rng.random_bool(0.8);
                world.mark(user, *group, unread).await;
            }
            (32..=34, Some(earlier)) => {
                let other = said.choose(&mut self.rng).cloned().unwrap();
                world.hide(user, &[earlier, other]).await;
            }
            (35, Some(earlier)) => {
                world.clear(user, &earlier).await;
            }
            (40 | 41, Some(root)) if Kind(root.kind) == Kind::MESSAGE_SENT => {
                world.follow(user, &root, self.rng.random_bool(0.5)).await;
            }
            (42 | 43, Some(at)) => {
                let roots = said.iter().filter(|said| Kind(said.kind) == Kind::MESSAGE_SENT);
                if let Some(root) = roots.choose(&mut self.rng) {
                    world.read_thread(user, root.command, &at).await;
                }
            }
            (36..=39, Some(root)) if Kind(root.kind) == Kind::MESSAGE_SENT => {
                let sender = *members.iter().choose(&mut self.rng).unwrap();
                let mentions: Vec<Uuid> = members.iter().copied().take(2).collect();
                let also = self.rng.random_bool(0.3);
                said.push(world.reply(&root, sender, also, &mentions).await);
            }
            (44 | 45, _) => {
                let name = self
                    .rng
                    .random_bool(0.5)
                    .then(|| format!("name {deed} of {user}"));
                let name = name.as_deref().map(|name| &name[..30]);
                let about = ["", "here", "there"].choose(&mut self.rng).copied();
                let about = about.filter(|_| self.rng.random_bool(0.5));
                let mine = self.files.iter().find(|(owner, ..)| *owner == user);
                let avatar = self
                    .rng
                    .random_bool(0.5)
                    .then(|| Avatar(mine.map(|(_, file, _)| *file)));
                world.profile(user, name, about, avatar).await;
            }
            (46 | 47, _) => {
                let audience = |rng: &mut StdRng| {
                    let audience = Audience::ALL.choose(rng).copied();
                    audience.filter(|_| rng.random_bool(0.4))
                };
                let updated = SettingsUpdated {
                    receipts: self.rng.random_bool(0.5).then(|| self.rng.random_bool(0.5)),
                    last_seen: audience(&mut self.rng),
                    direct: audience(&mut self.rng),
                    add_me: audience(&mut self.rng),
                };
                world.settings(user, updated).await;
            }
            (48..=50, _) => {
                let other = *self.users.choose(&mut self.rng).unwrap();
                let change = match self.rng.random_range(0..8) {
                    0..=2 => Change::Requested {
                        text: Greeting::parse(&format!("greeting {deed}")).ok(),
                    },
                    3 => Change::Accepted,
                    4 => Change::Declined {
                        until: DateTime::UNIX_EPOCH.into(),
                    },
                    5 => Change::Withdrawn,
                    6 => Change::Removed,
                    _ => Change::Blocked {
                        on: self.rng.random_bool(0.6),
                    },
                };
                if other != user {
                    // Behind a block, and once it is over.
                    let only = [Some(user), Some(other), None].choose(&mut self.rng).copied();
                    let only = only.flatten().map(UserId);
                    let changed = PairChanged {
                        by: UserId(user),
                        user: UserId(other),
                        only: only.filter(|_| matches!(change, Change::Accepted | Change::Removed)),
                        change,
                        heard: self.rng.random_bool(0.7),
                    };
                    world.between(changed).await;
                }
            }
            (51, _) => {
                let over = self.rng.random_bool(0.4).then(|| self.scheduled.pop()).flatten();
                let (announcement, change) = match over {
                    Some(waits) if self.rng.random_bool(0.5) => (waits, AnnouncementChange::Published),
                    Some(waits) => (waits, AnnouncementChange::Cancelled),
                    None => {
                        self.announced += 1;
                        let announcement = Uuid::from_u128(self.announced);
                        let waits = self.rng.random_bool(0.5);
                        self.scheduled.extend(waits.then_some(announcement));
                        let text = AnnouncementText::parse(format!("news {}", self.announced)).unwrap();
                        let at = waits.then(|| DateTime::UNIX_EPOCH.into());
                        (announcement, AnnouncementChange::Made { text, at })
                    }
                };
                world.announce(user, announcement, change).await;
            }
            (52, _) => {
                let announcement = Uuid::from_u128(self.rng.random_range(1..40));
                let told = world.told_of(user, announcement).await;
                if self.rng.random_bool(0.5) {
                    world.read_notices(user, told.seq).await;
                }
            }
            (15, Some(earlier)) => {
                let other = *self.users.choose(&mut self.rng).unwrap();
                world.report(&earlier, user, &format!("reason {deed}")).await;
                let handlings = [Handling::Assign, Handling::Dismiss, Handling::Recall];
                if let Some(handling) = handlings.choose(&mut self.rng).filter(|_| other != user) {
                    world.handle(&earlier, user, other, *handling).await;
                }
            }
            (16 | 17, Some(earlier)) => {
                let withheld = !said.len().is_multiple_of(3);
                world.withhold(&earlier, user, withheld).await;
            }
            (19, Some(earlier)) => {
                let sender = *members.first().unwrap();
                said.push(world.forward(*group, sender, &earlier).await);
            }
            _ => {
                let sender = *members.first().unwrap();
                let mentions: Vec<Uuid> = members.iter().copied().take(3).collect();
                said.push(if said.len().is_multiple_of(3) {
                    world.call(*group, sender, "all", &mentions).await
                } else {
                    world.send(*group, sender, "hello", &mentions).await
                });
            }
        }
    }
}
