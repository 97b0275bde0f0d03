//! What the viewer has marked for themselves, and what is counted with that in mind.

use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use std::collections::HashMap;
use tidings_projections::unread::{self, Marks};
use uuid::Uuid;

/// Reads how the viewer has marked conversations.
pub(crate) struct MarksOf {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<Uuid> for MarksOf {
    type Value = Marks;

    async fn load(&self, conversations: &[Uuid]) -> Result<HashMap<Uuid, Marks>, NoAnswer> {
        let marks = unread::marks(self.viewer, conversations.to_vec());
        Ok(self.database.ask(&marks).await?.into_iter().collect())
    }
}

/// A count over all conversations of the viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Total {
    Unread,
    Mentions,
}

/// Counts over all conversations of the viewer.
pub(crate) struct Totals {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<Total> for Totals {
    type Value = i64;

    async fn load(&self, totals: &[Total]) -> Result<HashMap<Total, i64>, NoAnswer> {
        let mut counts = HashMap::with_capacity(totals.len());
        for total in totals {
            let count = match total {
                Total::Unread => unread::unread_total(self.viewer),
                Total::Mentions => unread::mention_total(self.viewer),
            };
            let found = self.database.ask(&count).await?;
            counts.extend(found.first().map(|count| (*total, *count)));
        }
        Ok(counts)
    }
}
