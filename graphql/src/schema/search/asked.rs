//! What was asked, in the words of the read models.

use crate::database::Database;
use crate::errors::Refusal;
use crate::schema::message::Message;
use crate::schema::user;
use async_graphql::Context;
use chrono::{DateTime, Utc};
use tidings_projections::search;
use tidings_search::{Has, Named, Query, tokens};
use uuid::Uuid;

/// Of somebody in no more conversations than these, entries of other conversations are not even looked at.
const CONVERSATIONS_MAX: i64 = 64;
/// Conversations that one name may be that of.
const NAMESAKES_MAX: i64 = 1_000;

/// What was asked.
pub(super) struct Asked {
    pub(super) query: Query,
    /// Nothing where nothing can be found.
    pub(super) wanted: Option<Terms>,
    pub(super) viewer: Uuid,
    /// Senders and conversations that were named: one of these, and none of those.
    from: (Option<Vec<Uuid>>, Vec<Uuid>),
    within: (Option<Vec<Uuid>>, Vec<Uuid>),
    /// What was said of senders and conversations that there are not, as far as the viewer may know.
    pub(super) unknown: Vec<String>,
}

/// What candidates are found by.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    pub(super) tsquery: Option<String>,
    pub(super) ranked_by: Option<String>,
    /// Candidates are older than this. It is a while ahead, since clocks differ.
    pub(super) to: DateTime<Utc>,
    pub(super) from: DateTime<Utc>,
}

impl Asked {
    /// Reads what was typed, and finds out whom and what the names in it mean.
    pub(super) async fn read(
        context: &Context<'_>,
        viewer: Uuid,
        typed: &str,
        conversation: Option<Uuid>,
    ) -> Result<Self, Refusal> {
        let database = context.data_unchecked::<Database>();
        let query = Query::parse(typed);
        let mine = search::mine(viewer, None, CONVERSATIONS_MAX + 1);
        let mine = database.ask(&mine).await?;
        let mut asked = Self {
            wanted: None,
            viewer,
            from: (None, vec![]),
            within: (None, vec![]),
            unknown: vec![],
            query: Query::default(),
        };
        for named in &query.filters.from {
            let found = somebody(context, viewer, &named.name).await?;
            let found = found.into_iter().collect();
            note(&mut asked.from, &mut asked.unknown, "from", named, found);
        }
        for named in &query.filters.within {
            // PostgreSQL knows no text with a NUL in it.
            let name = Some(&named.name).filter(|name| !name.contains('\0'));
            // As it stands, too: where the database has no locale, it makes small letters of those of ASCII only.
            let names = name
                .into_iter()
                .flat_map(|name| [name.clone(), name.to_lowercase()]);
            let found = search::mine(viewer, Some(names.collect()), NAMESAKES_MAX);
            let found = database.ask(&found).await?;
            let found = found.into_iter().map(|mine| mine.conversation).collect();
            note(&mut asked.within, &mut asked.unknown, "in", named, found);
        }
        if let Some(conversation) = conversation {
            let named = asked.within.0.take();
            let there = named.is_none_or(|named| named.contains(&conversation));
            asked.within.0 = Some(if there { vec![conversation] } else { vec![] });
        }
        let within = match &asked.within.0 {
            Some(within) => Some(within.clone()),
            None if mine.len() as i64 <= CONVERSATIONS_MAX => {
                Some(mine.iter().map(|mine| mine.conversation).collect())
            }
            None => None,
        };
        let nobody = |ids: &Option<Vec<Uuid>>| ids.as_ref().is_some_and(Vec::is_empty);
        let now = mine.first().map(|mine| mine.now);
        asked.query = query;
        if let Some(now) = now
            && !asked.query.is_empty()
            && !nobody(&within)
            && !nobody(&asked.from.0)
        {
            asked.wanted = Some(asked.terms(within.as_deref(), now));
        }
        Ok(asked)
    }

    fn terms(&self, within: Option<&[Uuid]>, now: DateTime<Utc>) -> Terms {
        let query = &self.query;
        let any = |lexemes: Vec<String>| format!("({})", lexemes.join(" | "));
        let quoted = |lexeme: String| format!("'{lexeme}'");
        let conversations =
            |ids: &[Uuid]| any(ids.iter().map(|id| quoted(search::conversation(*id))).collect());
        let senders = |ids: &[Uuid]| any(ids.iter().map(|id| quoted(search::sender(*id))).collect());
        let mut parts: Vec<String> = query.tsquery().into_iter().collect();
        parts.extend(within.map(conversations));
        parts.extend(self.from.0.as_deref().map(senders));
        for (has, negated) in &query.filters.has {
            let not = if *negated { "!" } else { "" };
            parts.push(format!("{not}'{}'", search::has(*has)));
        }
        let positive = Query {
            terms: query.terms.iter().filter(|term| !term.negated).cloned().collect(),
            ..Query::default()
        };
        let ahead = now + chrono::TimeDelta::days(1);
        Terms {
            tsquery: (!parts.is_empty()).then(|| parts.join(" & ")),
            ranked_by: positive.tsquery(),
            to: query.filters.before.map_or(ahead, |before| before.min(ahead)),
            from: query.filters.after.unwrap_or(DateTime::UNIX_EPOCH),
        }
    }

    /// Whether a message, as it is now, is what was asked for.
    pub(super) fn is_met_by(&self, message: &Message) -> bool {
        let text = message.said().unwrap_or_default();
        let is_named = |(these, others): &(Option<Vec<Uuid>>, Vec<Uuid>), id: &Uuid| {
            these.as_ref().is_none_or(|these| these.contains(id)) && !others.contains(id)
        };
        let has = |(has, negated): &(Has, bool)| message.has(*has) != *negated;
        message.is_shown()
            && is_named(&self.from, message.sent_by())
            && is_named(&self.within, &message.conversation)
            && self.query.filters.has.iter().all(has)
            && self.query.matches(&tokens(text))
    }
}

/// Takes what a name means, and says where it means nothing.
fn note(
    ids: &mut (Option<Vec<Uuid>>, Vec<Uuid>),
    unknown: &mut Vec<String>,
    key: &str,
    named: &Named,
    found: Vec<Uuid>,
) {
    if found.is_empty() {
        let not = if named.negated { "-" } else { "" };
        unknown.push(format!("{not}{key}:{}", named.name));
    }
    if named.negated {
        ids.1.extend(found);
    } else {
        ids.0.get_or_insert_default().extend(found);
    }
}

/// Whoever has that name or that id. `me` is the viewer.
async fn somebody(context: &Context<'_>, viewer: Uuid, name: &str) -> Result<Option<Uuid>, Refusal> {
    if name.eq_ignore_ascii_case("me") {
        return Ok(Some(viewer));
    }
    if let Ok(id) = Uuid::try_parse(name) {
        return Ok(Some(id));
    }
    user::known_by_name(context, name).await
}
