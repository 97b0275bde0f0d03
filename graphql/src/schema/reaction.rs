//! Reactions to messages.

use super::cursor::{NotACursor, PersonPlace};
use super::loaders::Loaders;
use super::message::MessageKey;
use super::page::{Entries, List, Page, gather, group};
use super::user::{self, User};
use crate::backend::Backend;
use crate::database::{Database, NoAnswer};
use crate::errors::Refusal;
use crate::loader::Loader;
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use std::collections::HashMap;
use std::sync::Arc;
use tidings_projections::history;
use uuid::Uuid;

/// The most different emoji that a message has.
pub(crate) const REACTIONS_MAX: usize = 20;

/// An emoji that some people have put on a message.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Reaction {
    #[graphql(skip)]
    of: MessageKey,
    /// Of the past, those who had put it there, in the order of their ids.
    #[graphql(skip)]
    people: Option<Arc<[Uuid]>>,
    /// A character, or the name of a custom emoji between colons.
    emoji: String,
    /// How many people have put it there.
    count: i32,
    /// Whether the viewer has.
    viewer_reacted: bool,
}

#[ComplexObject]
impl Reaction {
    /// Those who have put it there, in the order of their ids.
    async fn users(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<PersonPlace, User>> {
        let page: Page<PersonPlace> = Page::parse(first, after, None, None)?;
        // Lists of people have cursors of one type. In this one they stand in the order of their ids.
        if page.after.as_ref().is_some_and(|place| id(place).is_none()) {
            return Err(Refusal::invalid("after", NotACursor.to_string()).into());
        }
        let entries = if let Some(people) = &self.people {
            part(people, &page)
        } else {
            let key = ReactionPage {
                of: self.of,
                emoji: self.emoji.clone(),
                page,
            };
            let pages = &context.data_unchecked::<Loaders>().reaction_pages;
            pages.load_one(key).await?.unwrap_or_default()
        };
        let users = user::parts(context, &entries.items).await?;
        let entries = Entries {
            items: users,
            has_previous: entries.has_previous,
            has_next: entries.has_next,
        };
        Ok(entries.into_list(|user| (PersonPlace(user.id.to_string()), user)))
    }
}

/// A page of a whole list, which is in the order of ids.
fn part(people: &[Uuid], page: &Page<PersonPlace>) -> Entries<Uuid> {
    let after = page.after.as_ref().and_then(id);
    let first = after.map_or(0, |after| people.partition_point(|user| *user <= after));
    let rest = people.iter().skip(first).take(page.size() + 1);
    page.entries(rest.copied().collect(), first > 0, false)
}

fn id(place: &PersonPlace) -> Option<Uuid> {
    Uuid::try_parse(&place.0).ok()
}

/// Reads the reactions to many messages at once. Whoever asks has made sure that the viewer may see the messages.
pub(crate) struct Reactions {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<MessageKey> for Reactions {
    type Value = Vec<Reaction>;

    async fn load(&self, keys: &[MessageKey]) -> Result<HashMap<MessageKey, Vec<Reaction>>, NoAnswer> {
        let conversations = keys.iter().map(|key| key.conversation).collect();
        let messages = keys.iter().map(|key| key.message).collect();
        let found = self
            .database
            .ask(&history::reactions(self.viewer, conversations, messages))
            .await?;
        let mut reactions: HashMap<MessageKey, Vec<Reaction>> = HashMap::new();
        for reaction in found {
            let of = MessageKey {
                conversation: reaction.conversation,
                message: reaction.message_seq,
            };
            reactions.entry(of).or_default().push(Reaction {
                of,
                people: None,
                emoji: reaction.emoji,
                count: i32::try_from(reaction.count).unwrap_or(i32::MAX),
                viewer_reacted: reaction.viewer_reacted,
            });
        }
        Ok(reactions)
    }
}

/// A message in a conversation that had come to the seq `upto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PastKey {
    pub(crate) of: MessageKey,
    pub(crate) upto: i64,
}

/// Reads what had been reacted to messages by then. A message of which that cannot be told has nothing, not even an empty list. Whoever asks has
/// made sure that the viewer may see the messages.
pub(crate) struct PastReactions {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) viewer: Uuid,
}

impl Loader<PastKey> for PastReactions {
    type Value = Vec<Reaction>;

    async fn load(&self, keys: &[PastKey]) -> Result<HashMap<PastKey, Vec<Reaction>>, NoAnswer> {
        let mut reactions = HashMap::with_capacity(keys.len());
        // Those of one conversation at one seq are read at once.
        let mut moments: HashMap<(Uuid, i64), Vec<PastKey>> = HashMap::new();
        for key in keys {
            let moment = (key.of.conversation, key.upto);
            moments.entry(moment).or_default().push(*key);
        }
        let unsigned = |seq: i64| u64::try_from(seq).unwrap_or(0);
        for ((conversation, upto), keys) in moments {
            let messages = keys.iter().map(|key| unsigned(key.of.message)).collect();
            let asked = self
                .backend
                .past_reactions(conversation, messages, unsigned(upto));
            let Some(found) = asked.await.map_err(|_| NoAnswer)? else {
                continue;
            };
            reactions.extend(keys.into_iter().map(|key| (key, vec![])));
            for reaction in found {
                let message = i64::try_from(reaction.message).unwrap_or(i64::MAX);
                let of = MessageKey {
                    conversation,
                    message,
                };
                if let Some(list) = reactions.get_mut(&PastKey { of, upto }) {
                    list.push(Reaction {
                        of,
                        emoji: reaction.emoji,
                        count: i32::try_from(reaction.users.len()).unwrap_or(i32::MAX),
                        viewer_reacted: reaction.users.binary_search(&self.viewer).is_ok(),
                        people: Some(reaction.users.into()),
                    });
                }
            }
        }
        Ok(reactions)
    }
}

/// Reads pages of those who have reacted, for many reactions at once.
pub(crate) struct ReactionPages(pub(super) Database);

/// A page of those who have put an emoji on a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ReactionPage {
    of: MessageKey,
    emoji: String,
    page: Page<PersonPlace>,
}

impl Loader<ReactionPage> for ReactionPages {
    type Value = Entries<Uuid>;

    async fn load(&self, keys: &[ReactionPage]) -> Result<HashMap<ReactionPage, Entries<Uuid>>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, keys) in group(keys, |key| &key.page) {
            let conversations = keys.iter().map(|key| key.of.conversation).collect();
            let messages = keys.iter().map(|key| key.of.message).collect();
            let emojis = keys.iter().map(|key| key.emoji.clone()).collect();
            let range = page.range(true, |place| id(place).unwrap_or_default());
            let people = history::reaction_people(conversations, messages, emojis, &range);
            pages.extend(gather(&keys, page, self.0.ask(&people).await?));
        }
        Ok(pages)
    }
}
