//! What a device sends, and the answers.

use uuid::Uuid;

use super::Follower;
use crate::checker::found::Line;
use crate::checker::messages::Content;
use crate::checker::order::{Answer, Try};
use crate::fault::Fault;
use crate::record::{Micros, Stored};

/// The code of a refusal because the id was another command's before.
const CONFLICT: &str = "conflict";

impl Follower<'_, '_> {
    pub(super) fn sent(&mut self, line: u32, at: Micros, id: Uuid, conversation: &str, digest: u64) {
        let content = Content {
            user: self.user,
            conversation: self.run.conversations.number(conversation),
            digest,
        };
        let sent = self.run.messages.send(id, content, self.journal, at, line);
        // What waits for a connection is sent when there is one.
        if self.connection.is_some() {
            self.tries.push(Try {
                connection: self.connections,
                sent,
                line,
                answer: Answer::Open,
            });
        }
    }

    /// Notes the answer to a try. Something that was not sent cannot be answered.
    pub(super) fn answered(&mut self, line: u32, id: Uuid, sent: Option<u32>, answer: Answer) -> Option<u32> {
        if let Some(sent) = sent {
            let mut tries = self.tries[self.tries_before..].iter_mut();
            if let Some(tried) = tries.find(|tried| tried.sent == sent && tried.answer == Answer::Open) {
                tried.answer = answer;
            }
        } else {
            let device = self.run.device(self.journal);
            self.run.found.add(Fault::AnswerToNothing, [self.line(line)], || {
                format!("{device} has an answer to {id}, which it did not send")
            });
        }
        sent
    }

    pub(super) fn acked(
        &mut self,
        line: u32,
        at: Micros,
        id: Uuid,
        seq: Option<u64>,
        stored: Option<Stored>,
    ) {
        let place = self.run.export.place(id);
        let entry = place.and_then(|place| self.run.export.entry(place));
        let sent = self.run.messages.by(id, self.journal, |content| {
            entry.is_some_and(|entry| entry.says(content.digest))
        });
        let Some(sent) = self.answered(line, id, sent, Answer::Acked) else {
            return;
        };
        let own = self.line(line);
        let sent = self.run.messages.get_mut(sent);
        if sent.acked_line == 0 {
            sent.acked_line = line;
        }
        let Some(place) = place else {
            let lines = [sent.line(), own];
            let conversation = sent.content.conversation;
            let device = self.run.device(self.journal);
            let name = self.run.conversations.name(conversation);
            self.run.found.add(Fault::Lost, lines, || {
                format!("the message {id} that {device} sent to {name} was acked, and is not in the log")
            });
            return;
        };
        if let Some(seq) = seq
            && seq != place.seq
        {
            let lines = [own, Line::Log(place)];
            let device = self.run.device(self.journal);
            self.run.found.add(Fault::Misplaced, lines, || {
                let right = place.seq;
                format!(
                    "{device} was told that its message {id} has seq {seq}; in the log it has seq {right}"
                )
            });
        }
        let logged = self.run.export.entry(place).and_then(|entry| entry.stored);
        if let (Some(told), Some(logged)) = (stored, logged)
            && told != logged
        {
            let lines = [own, Line::Log(place)];
            let device = self.run.device(self.journal);
            self.run.found.add(Fault::Misplaced, lines, || {
                format!(
                    "{device} was told that its message {id} is stored as {told}; the log has it as {logged}"
                )
            });
        }
        self.run.times.learn(place, at, self.journal, line);
    }

    pub(super) fn refused(&mut self, line: u32, id: Uuid, code: &str) {
        let place = self.run.export.place(id);
        let entry = place.and_then(|place| self.run.export.entry(place));
        // Of two contents under one id, the one that is not in the log was refused.
        let sent = self.run.messages.by(id, self.journal, |content| {
            entry.is_none_or(|entry| entry.withheld || !entry.says(content.digest))
        });
        if let Some(sent) = self.answered(line, id, sent, Answer::Refused) {
            let sent = self.run.messages.get_mut(sent);
            sent.refused += 1;
            sent.refused_line = line;
            if code == CONFLICT {
                sent.conflict_line = line;
            }
        }
    }
}
