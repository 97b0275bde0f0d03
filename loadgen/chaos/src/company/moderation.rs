//! A moderator has what was reported withheld and shown again, and settles the reports, while a member reads on. Nothing of what is withheld is
//! shown to them then, and what is settled stays so.

use tidings_protocol::{Action, Content, ErrorCode, Position};
use uuid::Uuid;

use super::{Company, Filed};
use crate::moderation::Handling;
use crate::moderator::Case;
use crate::reader::Sight;
use crate::said::Said;

/// A message that somebody has reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) sight: Sight,
    pub(super) reporter: Uuid,
    /// Where the report stands.
    pub(super) reported: Position,
}

impl Company {
    /// Withheld, shown again, withheld again, and found to be nothing.
    pub(super) async fn hesitate(&mut self, subject: &Subject) -> Option<()> {
        let case = self.find(subject).await?;
        self.withhold(subject, &case, "it may be an insult").await?;
        if !self.edits_in_vain(subject).await {
            return None;
        }
        self.look(subject).await?;
        self.moderator.show_again(&case).await?;
        self.becomes(subject, self.moderator.user(), "ASSIGNED", false);
        self.look(subject).await?;
        self.withhold(subject, &case, "it may be one after all").await?;
        self.look(subject).await?;
        self.settle(subject, &case, Handling::Dismiss, None, true).await?;
        self.look(subject).await?;
        self.moderator
            .settle_again(&case, Handling::Dismiss, None)
            .await?;
        self.moderator.comes_too_late(&case, Handling::Resolve).await;
        self.look(subject).await
    }

    /// Withheld, and taken back by who owns the group; then there is nothing left to do.
    pub(super) async fn is_overtaken(&mut self, subject: &Subject) -> Option<()> {
        let case = self.find(subject).await?;
        self.withhold(subject, &case, "it means all of us").await?;
        self.look(subject).await?;
        let (conversation, message) = (subject.sight.conversation, subject.sight.message);
        let recalls = Action::MessageRecall {
            conversation,
            message,
        };
        self.host.change(conversation, recalls).await?;
        self.shows(subject, false);
        self.look(subject).await?;
        let note = Some("it is gone");
        self.settle(subject, &case, Handling::Resolve, note, false).await
    }

    /// Withheld, and taken back by the moderator.
    pub(super) async fn take_back(&mut self, subject: &Subject) -> Option<()> {
        let case = self.find(subject).await?;
        self.withhold(subject, &case, "once more").await?;
        let note = Some("an insult");
        self.settle(subject, &case, Handling::Recall, note, true).await?;
        self.look(subject).await?;
        self.moderator.settle_again(&case, Handling::Recall, note).await
    }

    /// Withheld for good, as far as the run goes.
    pub(super) async fn leave_withheld(&mut self, subject: &Subject) -> Option<()> {
        let case = self.find(subject).await?;
        self.withhold(subject, &case, "this is looked into").await?;
        self.look(subject).await
    }

    pub(super) async fn find(&mut self, subject: &Subject) -> Option<Case> {
        let place = (subject.sight.conversation, subject.sight.message);
        self.moderator
            .find(place, subject.reporter, subject.reported)
            .await
    }

    pub(super) async fn withhold(&mut self, subject: &Subject, case: &Case, note: &str) -> Option<()> {
        self.moderator.withhold(case, note).await?;
        self.becomes(subject, self.moderator.user(), "ASSIGNED", true);
        Some(())
    }

    async fn settle(
        &mut self,
        subject: &Subject,
        case: &Case,
        handling: Handling,
        note: Option<&str>,
        withheld: bool,
    ) -> Option<()> {
        self.moderator.settle(case, handling, note, withheld).await?;
        self.becomes(subject, self.moderator.user(), handling.state(), false);
        Some(())
    }

    /// Whoever has said it cannot change it meanwhile. Answers whether nothing can come of their trying any more.
    async fn edits_in_vain(&mut self, subject: &Subject) -> bool {
        let (conversation, message) = (subject.sight.conversation, subject.sight.message);
        let edit = Action::MessageEdit {
            conversation,
            message,
            content: Content::text("nothing at all"),
        };
        let [ann, ..] = &mut self.guests;
        let said = Said::change(ann.user, conversation, edit);
        ann.say_in_vain(said, ErrorCode::NotFound).await
    }

    /// Somebody says something behind all that was done, and Ben reads what was reported.
    pub(super) async fn look(&mut self, subject: &Subject) -> Option<()> {
        let [ann, ..] = &mut self.guests;
        let said = ann.text(subject.sight.conversation, "and now").await?;
        self.reader.look(&subject.sight, said.position).await;
        Some(())
    }

    /// What moderators have to see of the report once somebody has handled it, and of others of the same message.
    pub(super) fn becomes(&mut self, subject: &Subject, by: Uuid, state: &'static str, withheld: bool) {
        let message = subject.sight.message;
        let mut filed = self.filed.iter_mut();
        if let Some(filed) =
            filed.find(|filed| filed.message == message && filed.reporter == subject.reporter)
        {
            filed.state = state;
            filed.handled_by = Some(by);
        }
        self.shows(subject, withheld);
    }

    fn shows(&mut self, subject: &Subject, withheld: bool) {
        let of_it = |filed: &&mut Filed| filed.message == subject.sight.message;
        for filed in self.filed.iter_mut().filter(of_it) {
            filed.withheld = withheld;
        }
    }
}
