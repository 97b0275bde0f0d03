//! Conversations as they were: at a time, or when the log had come to a position (ADR 57). What they were is read from the log, and what was said
//! from the read models, under the rules of today: the viewer is a member now, sees no more than now, and what was recalled since says nothing.

use super::conversation::Conversation;
use super::cursor::{MemberPlace, MessagePlace};
use super::group_settings::GroupSettings;
use super::loaders::Loaders;
use super::long::Long;
use super::member::{Member, MemberRole};
use super::message::{Message, MessageId};
use super::page::{Entries, List, Page, gather, group};
use super::thread::Thread;
use super::time::Time;
use crate::backend::{Backend, Moment, PastMember, PastState};
use crate::budget::Budget;
use crate::database::{Database, NoAnswer};
use crate::errors::{Code, Refusal};
use crate::freshness::{Freshness, position};
use crate::loader::Loader;
use crate::viewer::viewer;
use async_graphql::{Context, Error, Result};
use std::collections::HashMap;
use std::sync::Arc;
use tidings_eventlog::record::lane_of;
use tidings_projections::{conversations, history};
use uuid::Uuid;

/// What a conversation was, for one viewer.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    pub(crate) conversation: Uuid,
    /// The last event that had happened by then.
    pub(crate) seq: i64,
    pub(crate) state: PastState,
    viewer: Uuid,
}

/// Reads which moment is meant: exactly one of both arguments says it.
pub(crate) fn moment(conversation: Uuid, time: Option<Time>, text: Option<&str>) -> Result<Moment, Refusal> {
    match (time, text) {
        (Some(time), None) => Ok(Moment::Time(time.0)),
        (None, Some(text)) => {
            let malformed = || Refusal::invalid("position", "a position is <lane>:<pos>");
            let position = position(text).ok_or_else(malformed)?;
            if position.lane != lane_of(conversation) {
                return Err(Refusal::invalid(
                    "position",
                    "the position is of another lane than the conversation",
                ));
            }
            Ok(Moment::Position(position))
        }
        (Some(_), Some(_)) => Err(Refusal::invalid(
            "position",
            "only one of `time` and `position` can be given",
        )),
        (None, None) => Err(Refusal::invalid(
            "time",
            "one of `time` and `position` must be given",
        )),
    }
}

/// A conversation at a moment, for a viewer who is a member of it now; `None` where it had not begun, and where the viewer does not see what was
/// the last event then.
pub(crate) async fn conversation(
    context: &Context<'_>,
    conversation: Uuid,
    moment: Moment,
) -> Result<Option<Conversation>> {
    let viewer = viewer(context)?.user;
    let backend = context.data_unchecked::<Arc<dyn Backend>>();
    let Some(place) = backend.moment(conversation, moment).await? else {
        return Ok(None);
    };
    // What was said is in the read models by then.
    let freshness = context.data_unchecked::<Freshness>();
    freshness.passed(&[place.position]).await?;
    let select = conversations::visible_from(viewer, conversation);
    let database = context.data_unchecked::<Database>().after(&[place.position]);
    let visible_from = database.ask(&select).await?;
    let seq = i64::try_from(place.seq).unwrap_or(i64::MAX);
    if visible_from.first().is_none_or(|from| seq < *from) {
        return Ok(None);
    }
    let Some(state) = backend.past(conversation, place.seq).await? else {
        return Ok(None);
    };
    let past = Past {
        conversation,
        seq,
        state,
        viewer,
    };
    // Where it is too much, the request is given up, and says why.
    if let Some(budget) = context.data_opt::<Budget>()
        && budget.read(past.bytes()).is_err()
    {
        return Ok(None);
    }
    Ok(Some(Arc::new(past).into()))
}

/// The refusal of a field that must say something, of what nobody knows any more.
pub(crate) fn untold(field: &'static str) -> Error {
    Refusal::invalid(field, "this is not told of the past").into()
}

impl Past {
    /// About what it takes.
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.state.members.len() * size_of::<PastMember>()
            + self.state.pins.len() * size_of::<u64>()
    }

    /// What the viewer was in it; `None` where they were no member.
    pub(crate) fn role(&self) -> Option<MemberRole> {
        self.member(self.viewer).map(|member| member.role)
    }

    pub(crate) fn settings(&self) -> GroupSettings {
        self.state.settings.into()
    }

    /// One of those who were members; `None` of everybody else.
    pub(crate) fn member(&self, user: Uuid) -> Option<Member> {
        let members = &self.state.members;
        let place = members.binary_search_by_key(&user, |member| member.user).ok()?;
        members.get(place).map(Member::from)
    }

    /// A page of those who were members, in the order of their ids.
    pub(crate) fn members(&self, page: &Page<MemberPlace>) -> List<MemberPlace, Member> {
        let all = &self.state.members;
        let behind = |after: &MemberPlace| all.partition_point(|member| member.user <= after.0);
        let before = |before: &MemberPlace| all.partition_point(|member| member.user < before.0);
        let first = page.after.as_ref().map_or(0, behind);
        let end = page.before.as_ref().map_or(all.len(), before);
        let within = all.get(first..end).unwrap_or_default();
        let rows = page.size() + 1;
        let shown: Vec<Member> = if page.backward {
            within.iter().rev().take(rows).map(Member::from).collect()
        } else {
            within.iter().take(rows).map(Member::from).collect()
        };
        let entries = page.entries(shown, first > 0, end < all.len());
        entries.into_list(|member| (MemberPlace(member.user), member))
    }

    /// When the last thing had happened in it that brings it to the top of lists.
    pub(crate) async fn active_at(&self, context: &Context<'_>) -> Result<Time> {
        let select = history::past_said(self.conversation, self.seq);
        let said = context.data_unchecked::<Database>().ask(&select).await?;
        let changed_at = self.state.changed_at;
        Ok(Time(said.first().map_or(changed_at, |at| changed_at.max(*at))))
    }

    /// A page of its main timeline.
    pub(crate) async fn messages(
        self: &Arc<Self>,
        context: &Context<'_>,
        page: &Page<MessagePlace>,
    ) -> Result<Entries<Message>> {
        let range = page.range(true, |place| place.0);
        let select = history::past_page(self.viewer, self.conversation, self.seq, &range);
        let rows = context.data_unchecked::<Database>().ask(&select).await?;
        let rows = rows
            .into_iter()
            .map(|row| (row.around, row.entry.map(|found| self.message(found.into()))));
        Ok(page.gathered(rows.collect()))
    }

    /// The last message of its main timeline.
    pub(crate) async fn last_message(self: &Arc<Self>, context: &Context<'_>) -> Result<Option<Message>> {
        let last = Page::parse(None, None, Some(1), None)?;
        Ok(self.messages(context, &last).await?.items.pop())
    }

    /// The messages that it kept in view.
    pub(crate) async fn pins(self: &Arc<Self>, context: &Context<'_>) -> Result<Vec<Message>> {
        if self.state.pins.is_empty() {
            return Ok(vec![]);
        }
        let signed = |seq: &u64| i64::try_from(*seq).unwrap_or(i64::MAX);
        let seqs = self.state.pins.iter().map(signed).collect();
        let select = history::past_pins(self.viewer, self.conversation, seqs, self.seq);
        let found = context.data_unchecked::<Database>().ask(&select).await?;
        let pins = found.into_iter().map(|found| self.message(found.into()));
        Ok(pins.collect())
    }

    /// Whether it kept the message at this seq in view.
    pub(crate) fn is_pinned(&self, message: Long) -> bool {
        u64::try_from(message.0).is_ok_and(|seq| self.state.pins.contains(&seq))
    }

    /// One of its messages, wherever it stands; `None` where it came later, or the viewer does not see it.
    pub(crate) async fn one(
        self: &Arc<Self>,
        context: &Context<'_>,
        message: Uuid,
    ) -> Result<Option<Message>> {
        let messages = &context.data_unchecked::<Loaders>().past_messages;
        let found = messages.load_one(self.id(message)).await?;
        Ok(found.map(|message| self.message(message)))
    }

    /// How many replies hung below one of its messages.
    pub(crate) async fn reply_count(&self, context: &Context<'_>, message: Uuid) -> Result<i32> {
        let counts = &context.data_unchecked::<Loaders>().past_replies;
        Ok(counts.load_one(self.id(message)).await?.unwrap_or(0))
    }

    /// A page of its threads, the one with the newest reply of then first.
    pub(crate) async fn threads(
        self: &Arc<Self>,
        context: &Context<'_>,
        page: &Page<MessagePlace>,
    ) -> Result<Entries<Thread>> {
        let range = page.range(false, |place| place.0);
        let select = history::past_thread_activity(self.viewer, self.conversation, self.seq, &range);
        let rows = context.data_unchecked::<Database>().ask(&select).await?;
        if rows.iter().any(|(too_many, _)| *too_many) {
            let reason = "too many threads had replies since to tell which there were";
            return Err(Refusal::new(Code::TooLarge, reason).into());
        }
        let rows = rows
            .into_iter()
            .map(|(_, row)| (row.around, row.entry.map(|found| self.of_thread(found.into()))));
        Ok(page.gathered(rows.collect()))
    }

    /// The thread that one of its messages had begun, or could begin; `None` below what stands in a thread itself.
    pub(crate) async fn thread(
        self: &Arc<Self>,
        context: &Context<'_>,
        root: Uuid,
    ) -> Result<Option<Thread>> {
        let loaders = context.data_unchecked::<Loaders>();
        let id = self.id(root);
        // Replies go on below what the viewer has hidden, and are listed.
        if let Some(thread) = loaders.past_threads.load_one(id).await? {
            return Ok(Some(self.of_thread(thread)));
        }
        let message = loaders.past_messages.load_one(id).await?;
        let begins = message.is_some_and(|message| message.thread.is_none());
        Ok(begins.then(|| self.of_thread(Thread::without_replies(id.of))))
    }

    /// A page of the replies in one of its threads.
    pub(crate) async fn replies(
        self: &Arc<Self>,
        context: &Context<'_>,
        root: Uuid,
        page: Page<MessagePlace>,
    ) -> Result<Entries<Message>> {
        let key = PastReplyPage {
            root: self.id(root),
            page,
        };
        let pages = &context.data_unchecked::<Loaders>().past_reply_pages;
        let Entries {
            items,
            has_previous,
            has_next,
        } = pages.load_one(key).await?.unwrap_or_default();
        Ok(Entries {
            items: items.into_iter().map(|message| self.message(message)).collect(),
            has_previous,
            has_next,
        })
    }

    fn id(&self, message: Uuid) -> PastMessageId {
        PastMessageId {
            of: MessageId {
                conversation: self.conversation,
                message,
            },
            upto: self.seq,
        }
    }

    /// The message as one of it.
    fn message(self: &Arc<Self>, mut message: Message) -> Message {
        message.past = Some(Arc::clone(self));
        message
    }

    /// The thread as one of it.
    fn of_thread(self: &Arc<Self>, mut thread: Thread) -> Thread {
        thread.past = Some(Arc::clone(self));
        thread
    }
}

impl From<&PastMember> for Member {
    fn from(member: &PastMember) -> Self {
        Self {
            user: member.user,
            role: MemberRole::named(member.role),
            joined_at: Time(member.joined_at),
        }
    }
}

/// A message in a conversation that had come to the seq `upto`. Whoever asks has made sure that the viewer is a member, and sees that seq.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PastMessageId {
    of: MessageId,
    upto: i64,
}

/// Reads messages as they were, by id.
pub(crate) struct PastMessages {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<PastMessageId> for PastMessages {
    type Value = Message;

    async fn load(&self, ids: &[PastMessageId]) -> Result<HashMap<PastMessageId, Message>, NoAnswer> {
        let conversations = ids.iter().map(|id| id.of.conversation).collect();
        let messages = ids.iter().map(|id| id.of.message).collect();
        let uptos = ids.iter().map(|id| id.upto).collect();
        let select = history::past_by_id(self.viewer, conversations, messages, uptos);
        let found = self.database.ask(&select).await?.into_iter();
        let found = found.map(|(upto, found)| {
            let message = Message::from(found);
            let of = MessageId {
                conversation: message.conversation,
                message: message.id,
            };
            (PastMessageId { of, upto }, message)
        });
        Ok(found.collect())
    }
}

/// Counts the replies that hung below messages.
pub(crate) struct PastReplies {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<PastMessageId> for PastReplies {
    type Value = i32;

    async fn load(&self, ids: &[PastMessageId]) -> Result<HashMap<PastMessageId, i32>, NoAnswer> {
        let conversations = ids.iter().map(|id| id.of.conversation).collect();
        let roots = ids.iter().map(|id| id.of.message).collect();
        let uptos = ids.iter().map(|id| id.upto).collect();
        let select = history::past_replies(self.viewer, conversations, roots, uptos);
        let counts = self.database.ask(&select).await?.into_iter();
        let counts = counts.map(|(conversation, message, upto, count)| {
            let of = MessageId {
                conversation,
                message,
            };
            (
                PastMessageId { of, upto },
                i32::try_from(count).unwrap_or(i32::MAX),
            )
        });
        Ok(counts.collect())
    }
}

/// Reads threads as they were, by their roots.
pub(crate) struct PastThreads {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<PastMessageId> for PastThreads {
    type Value = Thread;

    async fn load(&self, ids: &[PastMessageId]) -> Result<HashMap<PastMessageId, Thread>, NoAnswer> {
        let conversations = ids.iter().map(|id| id.of.conversation).collect();
        let roots = ids.iter().map(|id| id.of.message).collect();
        let uptos = ids.iter().map(|id| id.upto).collect();
        let select = history::past_threads(self.viewer, conversations, roots, uptos);
        let found = self.database.ask(&select).await?.into_iter();
        let found = found.map(|(upto, found)| {
            let of = MessageId {
                conversation: found.conversation,
                message: found.root,
            };
            (PastMessageId { of, upto }, Thread::from(found))
        });
        Ok(found.collect())
    }
}

/// A page of the replies that stood in a thread, in the order of their seq.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PastReplyPage {
    root: PastMessageId,
    page: Page<MessagePlace>,
}

/// Reads pages of replies as they were, of many threads at once.
pub(crate) struct PastReplyPages {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<PastReplyPage> for PastReplyPages {
    type Value = Entries<Message>;

    async fn load(
        &self,
        keys: &[PastReplyPage],
    ) -> Result<HashMap<PastReplyPage, Entries<Message>>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, keys) in group(keys, |key| &key.page) {
            let conversations = keys.iter().map(|key| key.root.of.conversation).collect();
            let roots = keys.iter().map(|key| key.root.of.message).collect();
            let uptos = keys.iter().map(|key| key.root.upto).collect();
            let range = page.range(true, |place| place.0);
            let replies = history::past_thread_replies(self.viewer, conversations, roots, uptos, &range);
            let rows = self.database.ask(&replies).await?;
            pages.extend(gather(&keys, page, rows));
        }
        Ok(pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use tidings_projections::groups;

    fn past(members: u128) -> Past {
        let at = DateTime::UNIX_EPOCH;
        let member = |n| PastMember {
            user: Uuid::from_u128(n),
            role: if n == 1 { "owner" } else { "member" },
            joined_at: at,
        };
        Past {
            conversation: Uuid::from_u128(50),
            seq: 9,
            state: PastState {
                is_direct: false,
                title: None,
                created_at: at,
                changed_at: at,
                settings: groups::GroupSettings::default(),
                members: (1..=members).map(member).collect(),
                pins: vec![7],
            },
            viewer: Uuid::from_u128(1),
        }
    }

    /// The members of a page, and whether there are more before and behind it.
    fn page(
        of: &Past,
        (first, after): (Option<i32>, Option<u128>),
        (last, before): (Option<i32>, Option<u128>),
    ) -> (Vec<u128>, bool, bool) {
        let cursor = |n: Option<u128>| n.map(|n| format!("u{}", Uuid::from_u128(n).simple()));
        let page = Page::parse(first, cursor(after), last, cursor(before)).unwrap();
        let list = of.members(&page);
        let members = list.edges.iter().map(|edge| edge.node.user.as_u128());
        (members.collect(), list.has_previous_page, list.has_next_page)
    }

    #[test]
    fn members_come_in_pages_from_either_end() {
        let past = past(5);
        let none = (None, None);
        assert_eq!(page(&past, none, none), (vec![1, 2, 3, 4, 5], false, false));
        assert_eq!(page(&past, (Some(2), None), none), (vec![1, 2], false, true));
        assert_eq!(page(&past, (Some(2), Some(2)), none), (vec![3, 4], true, true));
        assert_eq!(page(&past, (Some(2), Some(4)), none), (vec![5], true, false));
        assert_eq!(page(&past, none, (Some(2), None)), (vec![4, 5], true, false));
        assert_eq!(page(&past, none, (Some(2), Some(2))), (vec![1], false, true));
        assert_eq!(
            page(&past, (None, Some(4)), (None, Some(2))),
            (vec![], true, true)
        );
    }

    #[test]
    fn the_viewer_was_what_they_were_or_nothing() {
        assert_eq!(past(3).role(), Some(MemberRole::Owner));
        let other = Past {
            viewer: Uuid::from_u128(9),
            ..past(3)
        };
        assert_eq!(other.role(), None);
        let role = |n| past(3).member(Uuid::from_u128(n)).map(|member| member.role);
        assert_eq!((role(3), role(4)), (Some(MemberRole::Member), None));
        assert!(past(3).is_pinned(Long(7)) && !past(3).is_pinned(Long(8)));
    }

    #[test]
    fn exactly_one_argument_says_which_moment_is_meant() {
        let (conversation, now) = (Uuid::from_u128(3), Time(DateTime::UNIX_EPOCH));
        let field = |time, text| moment(conversation, time, text).unwrap_err().field;
        assert_eq!(field(None, None).as_deref(), Some("time"));
        assert_eq!(field(Some(now), Some("3:1")).as_deref(), Some("position"));
        for text in ["", "3", "x:1", "4:1"] {
            assert_eq!(field(None, Some(text)).as_deref(), Some("position"), "{text}");
        }
        assert_eq!(
            moment(conversation, Some(now), None),
            Ok(Moment::Time(DateTime::UNIX_EPOCH))
        );
        assert!(matches!(
            moment(conversation, None, Some("3:1")),
            Ok(Moment::Position(position)) if position.pos == 1
        ));
    }
}
