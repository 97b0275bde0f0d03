//! Two moderators do something about one report at the same moment. Whoever is first says what becomes of it, and a member reads what follows from that.

use super::Company;
use super::moderation::Subject;
use crate::moderation::Handling;

impl Company {
    /// One has the message taken back, and the other one finds nothing wrong with it.
    pub(super) async fn settle_at_once(&mut self, subject: &Subject) -> Option<()> {
        let case = self.find(subject).await?;
        self.withhold(subject, &case, "two look at this").await?;
        let ways = [(Handling::Recall, Some("an insult")), (Handling::Dismiss, None)];
        let won = self
            .moderator
            .settle_beside(&mut self.colleague, &case, ways)
            .await;
        let (by, handling) = won?;
        self.becomes(subject, by, handling.state(), false);
        self.look(subject).await?;
        for moderator in [&mut self.moderator, &mut self.colleague] {
            moderator.comes_too_late(&case, Handling::Resolve).await;
        }
        self.look(subject).await
    }

    /// One has the message withheld, and the other one finds nothing wrong with it. Then it is not withheld.
    pub(super) async fn dismiss_while_withheld(&mut self, subject: &Subject) -> Option<()> {
        let case = self.find(subject).await?;
        let note = "it may be one";
        self.moderator
            .withhold_beside(&mut self.colleague, &case, note)
            .await?;
        self.becomes(subject, self.colleague.user(), Handling::Dismiss.state(), false);
        self.look(subject).await?;
        self.moderator.comes_too_late(&case, Handling::Resolve).await;
        self.look(subject).await
    }
}
