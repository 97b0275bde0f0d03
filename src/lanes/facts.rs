//! Facts that a batch of commands is decided on: what is read of messages and attachments from the log in one go, and who exists.

use super::round::Pending;
use bytes::Bytes;
use std::collections::HashSet;
use tidings_domain::stored::{self, Kind};
use tidings_domain::{
    Aspect, Attachment, Command, CommandId, ConversationCommand, ConversationEvent, ConversationId, Emoji,
    Event, Facts, Line, Message, Need, Original, Reactions, Regard, Rules, StreamCommand, UserEvent, UserId,
};
use tidings_eventlog::{Log, Question, ReadError, Subject, Subjects, Writing};
use uuid::Uuid;

/// Which stored events are about messages.
pub const SUBJECTS: Subjects = Subjects {
    subjects: &[
        Kind::MESSAGE_SENT.0,
        Kind::THREAD_REPLIED.0,
        Kind::THREAD_REPLIED_ALSO.0,
    ],
    revision: Kind::MESSAGE_EDITED.0,
    withdrawal: Kind::MESSAGE_RECALLED.0,
    withholding: Kind::MESSAGE_WITHHELD.0,
    mark: Kind::REACTION_CHANGED.0,
};

/// What a batch of commands asks the log.
pub(super) struct Asked {
    /// Messages that have to be there, by their stream.
    present: Vec<(Uuid, Uuid)>,
    questions: Vec<Question>,
    /// Attachments, by who must have stored them.
    attachments: Vec<(Uuid, Uuid)>,
    /// People of whom it is known already that they exist.
    people: HashSet<UserId>,
    /// How many conversations more some of them may be put into.
    rooms: Vec<(UserId, u32)>,
    /// What is forwarded, as it was looked up for each command.
    originals: Vec<(UserId, ConversationId, CommandId, Original)>,
    /// What people are to those whom they want something of.
    regards: Vec<(UserId, UserId, Regard)>,
}

impl Asked {
    pub(super) fn by(pending: &[Pending]) -> Self {
        let (mut present, mut questions, mut people) = (HashSet::new(), HashSet::new(), HashSet::new());
        let mut attachments = HashSet::new();
        let (mut rooms, mut originals, mut regards) = (vec![], vec![], vec![]);
        for command in pending {
            if let (StreamCommand::Conversation(command), Some(original)) =
                (&command.command, &command.original)
            {
                let Command {
                    actor,
                    conversation,
                    id,
                    ..
                } = *command;
                originals.push((actor, conversation, id, original.clone()));
            }
            let actor = command.command.actor();
            regards.extend(
                command
                    .regards
                    .iter()
                    .map(|(user, regard)| (actor, *user, *regard)),
            );
            rooms.extend(command.rooms.iter().copied());
            let stream = command.stream();
            attachments.extend(command.command.attaches().map(|(owner, id)| (owner.0, id)));
            for need in command.command.needs() {
                match need {
                    Need::Users(_) => people.extend(command.people.iter().copied()),
                    Need::Message {
                        message,
                        aspect: Aspect::Presence,
                    } => {
                        present.insert((stream, message));
                    }
                    Need::Message { message, .. } => {
                        questions.insert(Question {
                            stream,
                            command: message,
                            mark: mark(&command.command),
                        });
                    }
                }
            }
        }
        Self {
            present: present.into_iter().collect(),
            questions: questions.into_iter().collect(),
            attachments: attachments.into_iter().collect(),
            people,
            rooms,
            originals,
            regards,
        }
    }
}

/// What the log holds of that which commands refer to. What stands before them in the same batch is folded as it is decided.
pub(super) async fn load(log: &Log, lane: u8, rules: Rules, asked: Asked) -> Result<Facts, ReadError> {
    let Asked {
        present,
        questions,
        attachments,
        people,
        rooms,
        originals,
        regards,
    } = asked;
    let mut facts = Facts::under(rules);
    facts.add_users(people);
    for (user, left) in rooms {
        facts.add_room(user, left);
    }
    for (actor, user, regard) in regards {
        facts.add_regard(actor, user, regard);
    }
    for (actor, conversation, command, original) in originals {
        facts.add_original(actor, conversation, command, original);
    }
    let (present, subjects, attachments) = tokio::try_join!(
        async {
            if present.is_empty() {
                return Ok(vec![]);
            }
            log.written(lane, SUBJECTS.subjects, &present).await
        },
        async {
            if questions.is_empty() {
                return Ok(vec![]);
            }
            log.subjects(lane, &questions).await
        },
        async {
            if attachments.is_empty() {
                return Ok(vec![]);
            }
            log.origins(Kind::ATTACHMENT_STORED.0, &attachments).await
        },
    )?;
    for Writing {
        stream,
        command,
        kind,
        actor,
        seq,
    } in present
    {
        let line = Kind(kind).line().unwrap_or(Line::Main);
        facts.add_presence(ConversationId(stream), command, UserId(actor), (line, seq));
    }
    for origin in attachments {
        match stored::decode(origin.kind, origin.ver, &origin.payload) {
            Ok(Event::User(UserEvent::AttachmentStored(stored))) => {
                let attachment = Attachment {
                    at: origin.at,
                    is_picture: stored.is_picture(),
                };
                facts.add_attachment(UserId(origin.stream), origin.command, attachment);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(lane, stream = %origin.stream, %error, "an attachment cannot be read");
            }
        }
    }
    for (question, subject) in questions.iter().zip(subjects) {
        let Some(subject) = subject else { continue };
        let conversation = ConversationId(question.stream);
        match message(lane, question, &subject) {
            Some(message) => facts.add_message(conversation, question.command, message),
            None => facts.add_unreadable(conversation, question.command),
        }
    }
    Ok(facts)
}

/// Whose reaction is asked for, and which.
fn mark(command: &StreamCommand) -> Option<(Uuid, Bytes)> {
    match command {
        StreamCommand::Conversation(Command {
            actor,
            body: ConversationCommand::React { emoji, .. },
            ..
        }) => Some((
            actor.0,
            Bytes::copy_from_slice(emoji.in_full().as_str().as_bytes()),
        )),
        _ => None,
    }
}

/// `None` where this version cannot read what the message says: another one may.
pub(super) fn message(lane: u8, question: &Question, subject: &Subject) -> Option<Message> {
    let (kind, ver, payload) = &subject.current;
    let (content, forwarded) = match stored::decode(*kind, *ver, payload) {
        Ok(Event::Conversation(ConversationEvent::MessageSent(sent))) => (sent.content, sent.forwarded),
        // What is forwarded is never edited.
        Ok(Event::Conversation(ConversationEvent::MessageEdited(edited))) => (edited.content, None),
        Ok(_) => return None,
        Err(error) => {
            tracing::error!(lane, stream = %subject.stream, seq = subject.seq, %error, "a message cannot be read");
            return None;
        }
    };
    let mut reactions = Reactions::default();
    if let Some((actor, _)) = &question.mark {
        for (mark, mine) in &subject.marks {
            if let Some(emoji) = emoji(mark) {
                reactions.add(emoji, UserId(*actor), *mine);
            }
        }
        for emoji in subject.tried.iter().filter_map(|mark| emoji(mark)) {
            reactions.add_tried(emoji, UserId(*actor));
        }
        if subject.more_marks {
            reactions.and_more();
        }
    }
    Some(Message {
        seq: subject.seq,
        msg_no: subject.msg_no,
        line: Kind(subject.kind).line().unwrap_or(Line::Main),
        sender: UserId(subject.actor),
        at: subject.at,
        content,
        versions: usize::try_from(subject.revisions)
            .unwrap_or(usize::MAX)
            .saturating_add(1),
        recalled: subject.withdrawn,
        forwarded,
        reactions,
    })
}

/// `None` for one that breaks today's rules: it was put there under others, and takes no room that these give.
fn emoji(mark: &[u8]) -> Option<Emoji> {
    Emoji::parse(str::from_utf8(mark).ok()?).ok()
}
