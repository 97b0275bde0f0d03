//! Two moderators who do something about one report at the same moment, at two nodes. What one of them settles is settled, and the other one comes
//! too late.

use tidings_stand::Answer;
use uuid::Uuid;

use super::{CONFLICT, Case, Moderator, WITHHOLD, Wish};
use crate::moderation::Handling;

/// What shows that two have settled the same report, of whom one was refused.
pub(crate) const SETTLED: &str = "reports that two moderators settled at once";
/// What shows that a report was settled while somebody else had its message withheld.
pub(crate) const WITHHELD: &str = "reports settled while another moderator withheld";

/// How somebody settles a report, and why.
pub(crate) type Way = (Handling, Option<&'static str>);

impl Moderator {
    /// Both settle the report of a message that is withheld, each in another way. Answers who has done it, and how.
    pub(crate) async fn settle_beside(
        &mut self,
        other: &mut Self,
        case: &Case,
        [own, others]: [Way; 2],
    ) -> Option<(Uuid, Handling)> {
        self.meet(other).await;
        let settled = tokio::join!(self.try_to_settle(case, own), other.try_to_settle(case, others));
        let won = match settled {
            (Some(true), Some(false)) => (self.person.user, own.0),
            (Some(false), Some(true)) => (other.person.user, others.0),
            done => {
                self.problems.push(format!(
                    "the report {} is settled in two ways at once, and whether each was done is answered with {done:?}",
                    case.report
                ));
                return None;
            }
        };
        self.effects.add(SETTLED, 1);
        Some(won)
    }

    /// Has a message withheld for the first time while the other one dismisses its report. That is done in any case, and the message is shown.
    pub(crate) async fn withhold_beside(&mut self, other: &mut Self, case: &Case, note: &str) -> Option<()> {
        self.meet(other).await;
        let ((), dismissed) = tokio::join!(
            self.try_to_withhold(case, note),
            other.dismiss_what_may_be_withheld(case)
        );
        dismissed?;
        // What had no answer withholds nothing either that comes behind it.
        self.forget().await;
        self.effects.add(WITHHELD, 1);
        Some(())
    }

    /// Both begin with nothing open, at two nodes, and the other one knows what was withheld so far.
    async fn meet(&mut self, other: &mut Self) {
        tokio::join!(self.forget(), other.forget());
        other.next = self.next + 1;
        other.turns.clone_from(&self.turns);
    }

    /// Settles the report of a message that is withheld, unless somebody else has. Answers whether it was done.
    async fn try_to_settle(&mut self, case: &Case, (handling, note): Way) -> Option<bool> {
        let wish = self.settling(case, handling, note, true);
        match self.ask(case, &wish).await {
            // Had an attempt without an answer done it, this one would be answered alike.
            Some(Answer::Refused(code)) if code == CONFLICT => {
                for order in &wish.makes {
                    self.scribe.turned_away(order.id, CONFLICT);
                }
                self.effects.add("refused as it should be", 1);
                Some(false)
            }
            answer => self.must_be_done(&wish, answer).map(|_| true),
        }
    }

    /// Has the message withheld, at one node and once: each attempt could withhold it again. Where somebody settles the report, it may have been
    /// withheld for a moment, or not at all.
    async fn try_to_withhold(&mut self, case: &Case, note: &str) {
        let wish = self.withholding(case, note);
        let shown = self.turn(case, None);
        for order in wish.makes.iter().chain([&shown]) {
            self.scribe.ordered(order);
        }
        let (answer, asked_at) = self
            .try_once(WITHHOLD, &wish.variables, Some(case.reported))
            .await;
        match answer {
            // Before the report was settled.
            Some(Answer::Data(_)) => {
                for order in &wish.makes {
                    self.scribe.carried_out(order);
                }
            }
            Some(Answer::Refused(code)) if code == CONFLICT => {}
            Some(answer) => self.problems.push(format!(
                "the message of the report {} was to be withheld while that is settled, which is answered with {answer:?}",
                case.report
            )),
            None => self.open = Some(asked_at),
        }
    }

    /// Finds nothing wrong with a message that somebody else has withheld meanwhile, or not yet.
    async fn dismiss_what_may_be_withheld(&mut self, case: &Case) -> Option<()> {
        // The turn of the other one.
        self.turns.next(case.message);
        let shown = self.turn(case, None);
        self.scribe.ordered(&shown);
        let wish = Wish {
            withheld: None,
            ..self.settling(case, Handling::Dismiss, None, false)
        };
        self.order(case, &wish).await.map(drop)
    }
}
