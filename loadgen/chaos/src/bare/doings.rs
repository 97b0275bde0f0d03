//! What a bare device says: several things at once, some of which answer or change what stands before them.

use anyhow::Result;
use rand::RngExt as _;
use tidings_protocol::{Action, Content, MessageSend};
use uuid::Uuid;

use super::{Bare, put};
use crate::device::words;
use crate::said::Said;
use crate::wire::Wire;

/// Messages under way at a time.
const UNDER_WAY: usize = 24;
/// The text of a flood's messages, in bytes.
const FLOOD_BYTES: usize = 7000;
/// What bare devices react with, and no other device of their people.
const EMOJI: &str = "🔥";

impl Bare {
    /// Says something, or several things at once.
    pub(super) async fn act(&mut self, wire: &mut Wire) -> Result<()> {
        let room = UNDER_WAY.saturating_sub(self.scribe.unanswered().len());
        let (conversation, count, length) = if let Some((conversation, left)) = self.flood {
            let count = room.min(4).min(left);
            self.flood = Some((conversation, left - count)).filter(|(_, left)| *left > 0);
            (conversation, count, FLOOD_BYTES)
        } else {
            let Some((conversation, _)) = self.view.any(&mut self.random, |_, _| true) else {
                return Ok(());
            };
            let count = self.random.random_range(1..=5).min(room);
            (conversation, count, self.random.random_range(1..200))
        };
        let is_group = self.view.is_group(conversation);
        let mut burst: Vec<Said> = Vec::with_capacity(count);
        // What was said last, unless it was taken back; what begins its thread; and whether it was reacted to.
        let mut last: Option<(Uuid, Uuid, bool)> = None;
        for _ in 0..count {
            let text = words(&mut self.random, length);
            // Some answer or change what stands before them in the same frame.
            let before = last.filter(|_| self.flood.is_none() && self.random.random_ratio(1, 2));
            let said = match before {
                Some((message, root, is_reacted)) if self.random.random() => {
                    let kind = self.random.random_range(0..3);
                    last = (kind > 0).then_some((message, root, is_reacted || kind == 1));
                    let action = match kind {
                        0 => Action::MessageRecall {
                            conversation,
                            message,
                        },
                        1 if !is_reacted => Action::MessageReact {
                            conversation,
                            message,
                            emoji: EMOJI.to_owned(),
                            on: true,
                        },
                        _ => Action::MessageEdit {
                            conversation,
                            message,
                            content: Content::text(text),
                        },
                    };
                    Said::amendment(conversation, action)
                }
                before => {
                    let said = match before {
                        Some((_, root, _)) if is_group && self.random.random() => Said::send(MessageSend {
                            thread: Some(root),
                            also: self.random.random(),
                            ..MessageSend::new(conversation, Content::text(text))
                        }),
                        Some((before, ..)) => Said::message(conversation, text, Some(before), vec![]),
                        None => self.view.message(&mut self.random, conversation, text),
                    };
                    let thread = match &said.action {
                        Action::MessageSend(send) => send.thread,
                        _ => None,
                    };
                    last = Some((said.id, thread.unwrap_or(said.id), false));
                    Some(said)
                }
            };
            burst.extend(said);
        }
        for message in &burst {
            self.scribe.send(message.clone());
        }
        if self.random.random_ratio(1, 8) {
            wire.typing(conversation, self.random.random()).await?;
        }
        put(wire, &burst).await
    }

    pub(super) async fn say_farewells(&mut self, wire: &mut Wire) -> Result<()> {
        let farewells = self.farewells.as_mut().map(std::mem::take).unwrap_or_default();
        let farewells = farewells.into_iter();
        let farewells = farewells.map(|conversation| Said::text(conversation, "farewell".to_owned()));
        let farewells: Vec<_> = farewells.collect();
        for message in &farewells {
            self.scribe.send(message.clone());
        }
        put(wire, &farewells).await
    }
}
