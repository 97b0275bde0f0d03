//! The loaders of one request.

use super::admin::announcement::Reaches;
use super::attachment::Attachments;
use super::contact::{TiePage, TiePages};
use super::conversation::{ActivityPage, ActivityPages, Conversations, MentionCounts};
use super::cursor::MemberPlace;
use super::edit::{EditPage, EditPages};
use super::group_settings::GroupSettingsOf;
use super::inbox::PendingPages;
use super::invitation::{InvitationPage, InvitationPages, InvitedPages};
use super::link::{LinkPage, LinkPages};
use super::mark::{MarksOf, Total, Totals};
use super::member::{MemberId, MemberPage, MemberPages, Members};
use super::message::{LastMessages, MessageId, MessageKey, MessagePage, MessagePages, Messages};
use super::page::Page;
use super::past::{PastMessageId, PastMessages, PastReplies, PastReplyPage, PastReplyPages, PastThreads};
use super::pin::{Pinned, Pins};
use super::presence::{OnlineCounts, SeenByViewer};
use super::profile::{Names, Profiles};
use super::reaction::{PastKey, PastReactions, ReactionPage, ReactionPages, Reactions};
use super::receipt::{DeliveredTo, KeptReceipts, Receipts, SeenBy, Sent};
use super::request::{RequestPage, RequestPages};
use super::sanction::{SanctionPage, SanctionPages};
use super::setting::SettingsOf;
use super::thread::{ReplyPage, ReplyPages, ThreadPage, ThreadPages, ThreadStates, Threads, UnreadThreads};
use super::user::{People, Suspensions};
use crate::backend::Backend;
use crate::database::Database;
use crate::loader::Gathering;
use crate::waves::Waves;
use std::sync::Arc;
use uuid::Uuid;

/// What the fields of a request read from.
pub(crate) struct Loaders {
    pub(crate) attachments: Gathering<Uuid, Attachments>,
    pub(crate) people: Gathering<Uuid, People>,
    pub(crate) suspensions: Gathering<Uuid, Suspensions>,
    pub(crate) profiles: Gathering<Uuid, Profiles>,
    pub(crate) names: Gathering<Uuid, Names>,
    pub(crate) settings: Gathering<Uuid, SettingsOf>,
    pub(crate) seen: Gathering<Uuid, SeenByViewer>,
    pub(crate) online_counts: Gathering<Uuid, OnlineCounts>,
    pub(crate) conversations: Gathering<Uuid, Conversations>,
    pub(crate) activity_pages: Gathering<ActivityPage, ActivityPages>,
    pub(crate) pending_pages: Gathering<ActivityPage, PendingPages>,
    pub(crate) messages: Gathering<MessageId, Messages>,
    pub(crate) last_messages: Gathering<Uuid, LastMessages>,
    pub(crate) message_pages: Gathering<MessagePage, MessagePages>,
    pub(crate) past_messages: Gathering<PastMessageId, PastMessages>,
    pub(crate) past_replies: Gathering<PastMessageId, PastReplies>,
    pub(crate) past_threads: Gathering<PastMessageId, PastThreads>,
    pub(crate) past_reply_pages: Gathering<PastReplyPage, PastReplyPages>,
    pub(crate) member_pages: Gathering<MemberPage, MemberPages>,
    pub(crate) members: Gathering<MemberId, Members>,
    pub(crate) group_settings: Gathering<Uuid, GroupSettingsOf>,
    pub(crate) sanction_pages: Gathering<SanctionPage, SanctionPages>,
    pub(crate) link_pages: Gathering<LinkPage, LinkPages>,
    pub(crate) request_pages: Gathering<RequestPage, RequestPages>,
    pub(crate) invitation_pages: Gathering<InvitationPage, InvitationPages>,
    pub(crate) invited_pages: Gathering<Page<MemberPlace>, InvitedPages>,
    pub(crate) tie_pages: Gathering<TiePage, TiePages>,
    pub(crate) mention_counts: Gathering<Uuid, MentionCounts>,
    pub(crate) marks: Gathering<Uuid, MarksOf>,
    pub(crate) totals: Gathering<Total, Totals>,
    pub(crate) edit_pages: Gathering<EditPage, EditPages>,
    pub(crate) reactions: Gathering<MessageKey, Reactions>,
    pub(crate) reaction_pages: Gathering<ReactionPage, ReactionPages>,
    pub(crate) past_reactions: Gathering<PastKey, PastReactions>,
    pub(crate) pins: Gathering<Uuid, Pins>,
    pub(crate) pinned: Gathering<MessageKey, Pinned>,
    pub(crate) receipts: Gathering<Uuid, Receipts>,
    pub(crate) kept_receipts: Gathering<Uuid, KeptReceipts>,
    pub(crate) seen_by: Gathering<Sent, SeenBy>,
    pub(crate) delivered_to: Gathering<Sent, DeliveredTo>,
    pub(crate) threads: Gathering<MessageId, Threads>,
    pub(crate) thread_states: Gathering<MessageId, ThreadStates>,
    pub(crate) unread_threads: Gathering<Uuid, UnreadThreads>,
    pub(crate) thread_pages: Gathering<ThreadPage, ThreadPages>,
    pub(crate) reply_pages: Gathering<ReplyPage, ReplyPages>,
    pub(crate) reaches: Gathering<Uuid, Reaches>,
}

impl Loaders {
    /// Loaders that see what `viewer` may see. What they read is counted against `database`'s budget.
    pub(crate) fn new(database: &Database, backend: &Arc<dyn Backend>, viewer: Uuid, waves: &Waves) -> Self {
        let database = || database.clone();
        let seen = SeenByViewer {
            database: database(),
            backend: Arc::clone(backend),
            viewer,
        };
        let conversations = Conversations {
            database: database(),
            viewer,
        };
        let online_counts = OnlineCounts {
            database: database(),
            backend: Arc::clone(backend),
            viewer,
        };
        let activity_pages = ActivityPages {
            database: database(),
            viewer,
        };
        let pending_pages = PendingPages {
            database: database(),
            viewer,
        };
        let mention_counts = MentionCounts {
            database: database(),
            viewer,
        };
        let marks = MarksOf {
            database: database(),
            viewer,
        };
        let totals = Totals {
            database: database(),
            viewer,
        };
        let thread_states = ThreadStates {
            database: database(),
            viewer,
        };
        let unread_threads = UnreadThreads {
            database: database(),
            viewer,
        };
        let threads = Threads {
            database: database(),
            viewer,
        };
        let thread_pages = ThreadPages {
            database: database(),
            viewer,
        };
        let reply_pages = ReplyPages {
            database: database(),
            viewer,
        };
        let reactions = Reactions {
            database: database(),
            viewer,
        };
        let messages = Messages {
            database: database(),
            viewer,
        };
        let last_messages = LastMessages {
            database: database(),
            viewer,
        };
        let message_pages = MessagePages {
            database: database(),
            viewer,
        };
        let past_messages = PastMessages {
            database: database(),
            viewer,
        };
        let past_replies = PastReplies {
            database: database(),
            viewer,
        };
        let past_threads = PastThreads {
            database: database(),
            viewer,
        };
        let past_reply_pages = PastReplyPages {
            database: database(),
            viewer,
        };
        let past_reactions = PastReactions {
            backend: Arc::clone(backend),
            viewer,
        };
        let pins = Pins {
            database: database(),
            viewer,
        };
        let invited_pages = InvitedPages {
            database: database(),
            viewer,
        };
        let tie_pages = TiePages {
            database: database(),
            viewer,
        };
        let kept_receipts = KeptReceipts {
            database: database(),
            viewer,
        };
        Self {
            attachments: Gathering::remembering(Attachments(database()), waves),
            people: Gathering::remembering(People(database()), waves),
            suspensions: Gathering::remembering(Suspensions(database()), waves),
            profiles: Gathering::remembering(Profiles(database()), waves),
            names: Gathering::remembering(Names(database()), waves),
            settings: Gathering::remembering(SettingsOf(database()), waves),
            seen: Gathering::remembering(seen, waves),
            online_counts: Gathering::remembering(online_counts, waves),
            conversations: Gathering::remembering(conversations, waves),
            activity_pages: Gathering::new(activity_pages, waves),
            pending_pages: Gathering::new(pending_pages, waves),
            messages: Gathering::remembering(messages, waves),
            last_messages: Gathering::remembering(last_messages, waves),
            message_pages: Gathering::new(message_pages, waves),
            past_messages: Gathering::remembering(past_messages, waves),
            past_replies: Gathering::remembering(past_replies, waves),
            past_threads: Gathering::remembering(past_threads, waves),
            past_reply_pages: Gathering::new(past_reply_pages, waves),
            member_pages: Gathering::new(MemberPages(database()), waves),
            members: Gathering::remembering(Members(database()), waves),
            group_settings: Gathering::remembering(GroupSettingsOf(database()), waves),
            sanction_pages: Gathering::new(SanctionPages(database()), waves),
            link_pages: Gathering::new(LinkPages(database()), waves),
            request_pages: Gathering::new(RequestPages(database()), waves),
            invitation_pages: Gathering::new(InvitationPages(database()), waves),
            invited_pages: Gathering::new(invited_pages, waves),
            tie_pages: Gathering::new(tie_pages, waves),
            mention_counts: Gathering::remembering(mention_counts, waves),
            marks: Gathering::remembering(marks, waves),
            totals: Gathering::remembering(totals, waves),
            edit_pages: Gathering::new(EditPages(database()), waves),
            reactions: Gathering::remembering(reactions, waves),
            reaction_pages: Gathering::new(ReactionPages(database()), waves),
            past_reactions: Gathering::remembering(past_reactions, waves),
            pins: Gathering::new(pins, waves),
            pinned: Gathering::remembering(Pinned(database()), waves),
            receipts: Gathering::remembering(Receipts(database()), waves),
            kept_receipts: Gathering::remembering(kept_receipts, waves),
            seen_by: Gathering::remembering(SeenBy(database()), waves),
            delivered_to: Gathering::remembering(DeliveredTo(database()), waves),
            threads: Gathering::remembering(threads, waves),
            thread_pages: Gathering::new(thread_pages, waves),
            reply_pages: Gathering::new(reply_pages, waves),
            reaches: Gathering::remembering(Reaches(database()), waves),
            thread_states: Gathering::remembering(thread_states, waves),
            unread_threads: Gathering::remembering(unread_threads, waves),
        }
    }
}
