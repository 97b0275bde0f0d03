//! What people do for themselves: mark and archive conversations, hide messages and clear, follow threads and read them. Each is told to
//! their own devices by a notice, which has to say what was asked for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use anyhow::{Context as _, Result};
use tidings_protocol::{Action, Notice, NoticeData};
use tidings_scribe::said::{Said, tells};
use uuid::Uuid;

use super::{person::Person, shared::lock};

/// The notices that came to any device of a person, by seq. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Notices(Arc<Mutex<BTreeMap<u64, NoticeData>>>);

impl Notices {
    pub(crate) fn note(&self, notice: &Notice) {
        lock(&self.0).insert(notice.seq, notice.decode());
    }

    /// All of them, in order.
    pub(crate) fn all(&self) -> Vec<NoticeData> {
        lock(&self.0).values().cloned().collect()
    }

    fn get(&self, seq: u64) -> Option<NoticeData> {
        lock(&self.0).get(&seq).cloned()
    }
}

impl Person {
    /// Mutes a conversation, or ends that.
    pub(crate) async fn mute(&mut self, conversation: Uuid) -> Result<()> {
        let on = !self.own.of(conversation).muted;
        let until = None;
        self.for_oneself(Action::ConversationMute {
            conversation,
            on,
            until,
        })
        .await
    }

    /// Puts a conversation away.
    pub(crate) async fn archive(&mut self, conversation: Uuid) -> Result<()> {
        self.for_oneself(Action::ConversationArchive {
            conversation,
            on: true,
        })
        .await
    }

    /// Marks a conversation as unread. What is being read ends marks, and must not come behind.
    pub(crate) async fn mark(&mut self, conversation: Uuid) -> Result<()> {
        self.settle_reads(0).await;
        self.for_oneself(Action::ConversationMark {
            conversation,
            unread: true,
        })
        .await
    }

    /// Hides the latest message of a conversation.
    pub(crate) async fn hide(&mut self, conversation: Uuid) -> Result<()> {
        let Some(message) = self.shared.latest(conversation) else {
            return Ok(());
        };
        self.for_oneself(Action::MessageHide {
            conversation,
            messages: vec![message],
        })
        .await
    }

    /// Clears a conversation up to what was shown last.
    pub(crate) async fn clear(&mut self, conversation: Uuid) -> Result<()> {
        let seq = self.shown(conversation);
        if seq == 0 {
            return Ok(());
        }
        self.for_oneself(Action::ConversationClear { conversation, seq })
            .await
    }

    /// Follows the thread that is talked in, or does so no more.
    pub(crate) async fn follow(&mut self, conversation: Uuid) -> Result<()> {
        let Some(thread) = self.shared.root(conversation, None) else {
            return Ok(());
        };
        let followed = self.own.of(conversation).follows.get(&thread).copied();
        let on = !followed.unwrap_or(false);
        self.for_oneself(Action::ThreadFollow {
            conversation,
            thread,
            on,
        })
        .await
    }

    /// Reads the thread that is talked in up to what was shown last. One that moves nothing makes no notice.
    pub(crate) async fn read_thread(&mut self, conversation: Uuid) -> Result<()> {
        let (Some(thread), seq) = (self.shared.thread(conversation), self.shown(conversation)) else {
            return Ok(());
        };
        if seq == 0 {
            return Ok(());
        }
        let action = Action::Read {
            conversation,
            seq,
            thread: Some(thread),
        };
        match self.client()?.send(action).await?.await {
            Ok(ack) => {
                self.shared.did("thread.read");
                self.own.read_thread(conversation, thread, seq);
                self.read_at = self.read_at.max(Some(ack.position));
            }
            Err(error) => {
                let name = &self.name;
                self.shared.fail(format!(
                    "{name}'s read of the thread {thread} was not acked: {error}"
                ));
            }
        }
        Ok(())
    }

    async fn for_oneself(&mut self, action: Action) -> Result<()> {
        let said = Said::for_oneself(self.account.user, action).context("nothing that makes a notice")?;
        let what = said.action.name();
        let mut asked = 0;
        self.pen().note(|scribe| asked = scribe.now());
        let pending = self.client()?.send_as(said.id, said.action.clone()).await?;
        let ack = match pending.await {
            Ok(ack) => ack,
            Err(error) => {
                self.not_acked(&said, &error);
                return Ok(());
            }
        };
        self.shared.did(what);
        self.pen().note(|scribe| scribe.did(asked, &said.action));
        self.read_at = self.read_at.max(Some(ack.position));
        let notices = self.notices.clone();
        self.wait("the notice of what was done", |progress| {
            progress.ended || notices.get(ack.seq).is_some()
        })
        .await?;
        match self.notices.get(ack.seq) {
            Some(notice) if tells(&notice) == said.digest => self.own.take(&notice),
            notice => {
                let (name, seq) = (&self.name, ack.seq);
                self.shared.fail(format!(
                    "{name}'s {what} has the seq {seq}, and the notice there is {notice:?}"
                ));
            }
        }
        Ok(())
    }
}
