//! Reactions to messages.

use super::cursor::{NotACursor, PersonPlace};
use super::loaders::Loaders;
use super::message::MessageKey;
use super::page::{Entries, List, Page, gather, group};
use super::user::{self, User};
use crate::database::{Database, NoAnswer};
use crate::errors::Refusal;
use crate::loader::Loader;
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use std::collections::HashMap;
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
        let key = ReactionPage {
            of: self.of,
            emoji: self.emoji.clone(),
            page,
        };
        let loaders = context.data_unchecked::<Loaders>();
        let entries = loaders.reaction_pages.load_one(key).await?.unwrap_or_default();
        let users = user::parts(context, &entries.items).await?;
        let entries = Entries {
            items: users,
            has_previous: entries.has_previous,
            has_next: entries.has_next,
        };
        Ok(entries.into_list(|user| (PersonPlace(user.id.to_string()), user)))
    }
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
                emoji: reaction.emoji,
                count: i32::try_from(reaction.count).unwrap_or(i32::MAX),
                viewer_reacted: reaction.viewer_reacted,
            });
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
