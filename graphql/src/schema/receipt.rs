//! Who has read a message, and whose devices have been sent it.

use super::cursor::MemberPlace;
use super::loaders::Loaders;
use super::member::Member;
use super::message::MessageKey;
use super::page::{Entries, List, Page};
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use crate::viewer::viewer;
use async_graphql::{Context, Result};
use std::collections::HashMap;
use tidings_projections::{Select, conversations, inbox, people, unread};
use uuid::Uuid;

/// The most members of a conversation in which receipts are shown, so that such a list has no more.
pub(crate) const RECEIPTS_MAX: usize = 100;

/// A message, who has sent it, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sent {
    pub(crate) message: MessageKey,
    pub(crate) sender: Uuid,
    /// The message that begins its thread.
    pub(crate) thread: Option<Uuid>,
    /// Whether the main timeline shows it.
    pub(crate) main: bool,
}

/// A page of those who have read a message; empty where nobody may know. Whoever asks has made sure that the viewer may see it.
pub(crate) async fn seen_by(
    context: &Context<'_>,
    sent: Sent,
    page: Page<MemberPlace>,
) -> Result<List<MemberPlace, Member>> {
    let loaders = context.data_unchecked::<Loaders>();
    let shown = loaders.receipts.load_one(sent.message.conversation).await?;
    let mut members = vec![];
    if shown.is_some_and(|shown| shown.read) {
        members = loaders.seen_by.load_one(sent).await?.unwrap_or_default();
    }
    Ok(part(shown_to(context, members).await?, &page))
}

/// The same of those of whom a device has been sent it.
pub(crate) async fn delivered_to(
    context: &Context<'_>,
    sent: Sent,
    page: Page<MemberPlace>,
) -> Result<List<MemberPlace, Member>> {
    let loaders = context.data_unchecked::<Loaders>();
    let shown = loaders.receipts.load_one(sent.message.conversation).await?;
    let mut members = vec![];
    if shown.is_some_and(|shown| shown.delivered) {
        members = loaders.delivered_to.load_one(sent).await?.unwrap_or_default();
    }
    Ok(part(shown_to(context, members).await?, &page))
}

/// Those of whom the viewer may know it, and the viewer.
async fn shown_to(context: &Context<'_>, mut members: Vec<Member>) -> Result<Vec<Member>> {
    let viewer = viewer(context)?.user;
    let others = members.iter().map(|member| member.user);
    let others = others.filter(|user| *user != viewer);
    let kept = &context.data_unchecked::<Loaders>().kept_receipts;
    let kept = kept.load_many(others.collect::<Vec<_>>()).await?;
    members.retain(|member| !kept.contains_key(&member.user));
    Ok(members)
}

/// Finds out of whom the viewer is shown no receipts.
pub(crate) struct KeptReceipts {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<Uuid> for KeptReceipts {
    type Value = ();

    async fn load(&self, users: &[Uuid]) -> Result<HashMap<Uuid, ()>, NoAnswer> {
        let kept = people::kept_from(self.viewer, users.to_vec());
        let kept = self.database.ask(&kept).await?;
        Ok(kept.into_iter().map(|user| (user, ())).collect())
    }
}

/// A page of a whole list, which is in the order of ids.
fn part(members: Vec<Member>, page: &Page<MemberPlace>) -> List<MemberPlace, Member> {
    let after = page.after.as_ref().map(|place| place.0);
    let all = members.len();
    let rest: Vec<Member> = members
        .into_iter()
        .filter(|member| Some(member.user) > after)
        .collect();
    let earlier = rest.len() < all;
    let entries: Entries<Member> = page.entries(rest, earlier, false);
    entries.into_list(|member| (MemberPlace(member.user), member))
}

/// Reads which receipts members of conversations may see. Whoever asks has made sure that the viewer is a member.
pub(crate) struct Receipts(pub(super) Database);

/// What the viewer may know of the other members of a conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    read: bool,
    delivered: bool,
}

impl Loader<Uuid> for Receipts {
    type Value = Shown;

    async fn load(&self, conversations: &[Uuid]) -> Result<HashMap<Uuid, Shown>, NoAnswer> {
        let found = self
            .0
            .ask(&conversations::receipts(conversations.to_vec()))
            .await?;
        let shown = found.into_iter().map(|(conversation, receipts)| {
            let shown = Shown {
                read: receipts.read,
                delivered: receipts.delivered,
            };
            (conversation, shown)
        });
        Ok(shown.collect())
    }
}

/// Reads who has read messages.
pub(crate) struct SeenBy(pub(super) Database);

impl Loader<Sent> for SeenBy {
    type Value = Vec<Member>;

    async fn load(&self, sent: &[Sent]) -> Result<HashMap<Sent, Vec<Member>>, NoAnswer> {
        let threads = sent.iter().map(|sent| sent.thread).collect();
        let mains = sent.iter().map(|sent| sent.main).collect();
        let select = |conversations, seqs, senders, most| {
            unread::seen_by(conversations, seqs, senders, threads, mains, most)
        };
        members(&self.0, sent, select).await
    }
}

/// Reads whose devices have been sent messages.
pub(crate) struct DeliveredTo(pub(super) Database);

impl Loader<Sent> for DeliveredTo {
    type Value = Vec<Member>;

    async fn load(&self, sent: &[Sent]) -> Result<HashMap<Sent, Vec<Member>>, NoAnswer> {
        members(&self.0, sent, inbox::delivered_to).await
    }
}

type Found = Select<(i64, conversations::Member)>;

/// Reads the members of whom `select` tells, of many messages at once.
async fn members(
    database: &Database,
    sent: &[Sent],
    select: impl FnOnce(Vec<Uuid>, Vec<i64>, Vec<Uuid>, usize) -> Found,
) -> Result<HashMap<Sent, Vec<Member>>, NoAnswer> {
    let conversations = sent.iter().map(|sent| sent.message.conversation).collect();
    let seqs = sent.iter().map(|sent| sent.message.message).collect();
    let senders = sent.iter().map(|sent| sent.sender).collect();
    let found = database
        .ask(&select(conversations, seqs, senders, RECEIPTS_MAX))
        .await?;
    let mut members: HashMap<Sent, Vec<Member>> = HashMap::new();
    for (number, member) in found {
        let of = usize::try_from(number - 1).ok().and_then(|index| sent.get(index));
        if let Some(of) = of {
            members.entry(*of).or_default().push(member.into());
        }
    }
    Ok(members)
}
