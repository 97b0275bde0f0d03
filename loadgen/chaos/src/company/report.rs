//! People report what others say, in private and in a group, and it is changed, withheld or taken back behind that. Whose words they are is told nothing.

use tidings_protocol::{Ack, Action, Content, ErrorCode};
use uuid::Uuid;

use super::moderation::Subject;
use super::{Company, Player};
use crate::reader::Sight;
use crate::said::Said;

/// A report that was acked, and what moderators have to see of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filed {
    pub(crate) conversation: Uuid,
    pub(crate) message: Uuid,
    pub(crate) sender: Uuid,
    pub(crate) reporter: Uuid,
    pub(crate) reason: &'static str,
    pub(crate) note: Option<&'static str>,
    /// What the message had said by then, first and after each edit.
    pub(crate) words: Vec<&'static str>,
    /// What has become of it, as GraphQL names it, by whom, and whether the message is withheld.
    pub(crate) state: &'static str,
    pub(crate) handled_by: Option<Uuid>,
    pub(crate) withheld: bool,
}

/// The state of a report that nobody has looked at.
pub(super) const OPEN: &str = "OPEN";

impl Company {
    pub(super) async fn reports(&mut self) {
        let [ann, ben, _] = self.guests.each_ref().map(|guest| guest.user);
        let members = vec![self.friends[1].user, ann, ben];
        let group = self.group(members).await;
        let opens = Action::DirectOpen { user: ben };
        let direct = self.guests[0].change(Uuid::nil(), opens).await;
        let (Some(group), Some(direct)) = (group, direct) else {
            return;
        };
        if let Some(subject) = self.report_in_private(direct.conversation).await {
            self.hesitate(&subject).await;
        }
        if let Some(subject) = self.report_in_group(group).await {
            self.is_overtaken(&subject).await;
        }
        if let Some(subject) = self.report_another(group, "cowards").await {
            self.take_back(&subject).await;
        }
        if let Some(subject) = self.report_another(group, "liars").await {
            self.leave_withheld(&subject).await;
        }
        if let Some(subject) = self.report_another(group, "rogues").await {
            self.settle_at_once(&subject).await;
        }
        if let Some(subject) = self.report_another(group, "knaves").await {
            self.dismiss_while_withheld(&subject).await;
        }
        self.edit_while_reported(group).await;
        self.host.text(group, "no more of that").await;
    }

    /// Nobody else talks here, so that what a report leaves would be seen by the seqs.
    async fn report_in_private(&mut self, conversation: Uuid) -> Option<Subject> {
        let Self {
            guests: [ann, ben, cat],
            filed,
            ..
        } = self;
        let said = ann.text(conversation, "fool").await?;
        let message = said.id;
        let (mut words, mut last) = (vec!["fool"], said.seq);
        if let Some(edited) = ann.edit(conversation, message, "you fool").await {
            words.push("you fool");
            last = edited.seq;
        }
        let (reason, note) = ("an insult", Some("not\nthe first"));
        let report = reporting(conversation, message, reason, note);
        cat.report_in_vain(report.clone(), ErrorCode::NotAMember).await;
        ann.report_in_vain(report.clone(), ErrorCode::InvalidArgument)
            .await;
        let reported = ben.report(report).await?;
        filed.push(Filed {
            conversation,
            message,
            sender: ann.user,
            reporter: ben.user,
            reason,
            note,
            words,
            state: OPEN,
            handled_by: None,
            withheld: false,
        });
        // Once is enough, whatever is said the second time.
        let again = reporting(conversation, message, "another insult", None);
        if let Some(again) = Said::report(ben.user, again) {
            ben.chorus.say_needlessly(&again).await;
        }
        // Too late for what was reported.
        if let Some(edited) = ann.edit(conversation, message, "you dear").await
            && edited.seq != last + 1
        {
            let seq = edited.seq;
            ann.chorus.problems.push(format!(
                "a report left something in {conversation} between seq {last} and seq {seq}"
            ));
        }
        Some(Subject {
            sight: Sight {
                conversation,
                message,
                seq: said.seq,
                word: "dear",
                is_quiet: true,
            },
            reporter: ben.user,
            reported: reported.position,
        })
    }

    /// Two report the same.
    async fn report_in_group(&mut self, conversation: Uuid) -> Option<Subject> {
        let Self {
            host,
            friends: [outsider, _],
            guests: [ann, ben, _],
            filed,
            ..
        } = self;
        let said = ann.text(conversation, "you fools").await?;
        let message = said.id;
        let mut subject = None;
        for (reporter, reason) in [(ben, "it means all of us"), (host, "so it does")] {
            let report = reporting(conversation, message, reason, None);
            if let Some(reported) = reporter.report(report).await {
                subject.get_or_insert(Subject {
                    sight: Sight {
                        conversation,
                        message,
                        seq: said.seq,
                        word: "fools",
                        is_quiet: false,
                    },
                    reporter: reporter.user,
                    reported: reported.position,
                });
                filed.push(Filed {
                    conversation,
                    message,
                    sender: ann.user,
                    reporter: reporter.user,
                    reason,
                    note: None,
                    words: vec!["you fools"],
                    state: OPEN,
                    handled_by: None,
                    withheld: false,
                });
            }
        }
        let strange = reporting(conversation, message, "I was told of it", None);
        outsider.report_in_vain(strange, ErrorCode::NotAMember).await;
        subject
    }

    /// Ann says a word more, and Ben reports it.
    async fn report_another(&mut self, conversation: Uuid, word: &'static str) -> Option<Subject> {
        let [ann, ben, _] = &mut self.guests;
        let said = ann.text(conversation, word).await?;
        let (message, reason) = (said.id, "it goes on");
        let reported = ben.report(reporting(conversation, message, reason, None)).await?;
        self.filed.push(Filed {
            conversation,
            message,
            sender: ann.user,
            reporter: ben.user,
            reason,
            note: None,
            words: vec![word],
            state: OPEN,
            handled_by: None,
            withheld: false,
        });
        Some(Subject {
            sight: Sight {
                conversation,
                message,
                seq: said.seq,
                word,
                is_quiet: false,
            },
            reporter: ben.user,
            reported: reported.position,
        })
    }
}

pub(super) fn reporting(conversation: Uuid, message: Uuid, reason: &str, note: Option<&str>) -> Action {
    Action::ReportSend {
        conversation,
        message,
        reason: reason.to_owned(),
        note: note.map(str::to_owned),
    }
}

impl Player {
    pub(super) async fn report(&mut self, report: Action) -> Option<Ack> {
        let name = report.name();
        let ack = self.say(Said::report(self.user, report)).await;
        self.must_be_acked(name, ack)
    }

    async fn report_in_vain(&mut self, report: Action, code: ErrorCode) {
        let said = Said::report(self.user, report);
        self.say_in_vain(said, code).await;
    }

    pub(super) async fn edit(&mut self, conversation: Uuid, message: Uuid, text: &str) -> Option<Ack> {
        let content = Content::text(text);
        let action = Action::MessageEdit {
            conversation,
            message,
            content,
        };
        self.change(conversation, action).await
    }

    /// Whoever is here for a report alone is told nothing for themselves.
    pub(super) fn must_be_told_nothing(&mut self) {
        let noticed: Vec<String> = self.chorus.noticed().into_iter().map(str::to_owned).collect();
        if !noticed.is_empty() {
            let user = self.user;
            self.chorus.problems.push(format!(
                "{user}, whose words were reported, is told of {}",
                noticed.join(" and ")
            ));
        }
    }
}
