//! Bytes that come in: summed up as they come, and kept in memory only as far as a part of an object goes.

use super::store::{Parts, Store, StoreError, doubtful, incoming, kept};
use bytes::{Bytes, BytesMut};
use object_store::path::Path;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A part of an object, which is written in one go.
const PART: usize = 5 << 20;
/// Where a file's type and a picture's size are looked for.
const HEAD: usize = 64 << 10;

/// A file that comes in.
pub(super) struct Intake {
    store: Store,
    sum: Sha256,
    size: u64,
    head: BytesMut,
    /// What no part has taken yet.
    buffer: BytesMut,
    parts: Option<(Path, Parts)>,
}

/// A file that has come in and is not stored yet.
pub(super) struct Received {
    /// In hexadecimal.
    pub(super) sha256: String,
    pub(super) size: u64,
    /// Its first bytes.
    pub(super) head: Bytes,
    bytes: Held,
}

/// Where its bytes are.
enum Held {
    Here(Bytes),
    There(Path),
}

impl Intake {
    pub(super) fn new(store: &Store) -> Self {
        Self {
            store: store.clone(),
            sum: Sha256::new(),
            size: 0,
            head: BytesMut::new(),
            buffer: BytesMut::new(),
            parts: None,
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) async fn push(&mut self, chunk: &[u8]) -> Result<(), StoreError> {
        self.sum.update(chunk);
        self.size += chunk.len() as u64;
        let wanted = HEAD.saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(&chunk[..wanted]);
        self.buffer.extend_from_slice(chunk);
        while self.buffer.len() > PART {
            let part = self.buffer.split_to(PART).freeze();
            self.write(part).await?;
        }
        Ok(())
    }

    async fn write(&mut self, part: Bytes) -> Result<(), StoreError> {
        let parts = match &mut self.parts {
            Some((_, parts)) => parts,
            none => {
                let path = incoming(Uuid::new_v4());
                let parts = self.store.begin(&path).await?;
                &mut none.insert((path, parts)).1
            }
        };
        parts.write(part).await
    }

    /// Gives up.
    pub(super) async fn abandon(self) {
        if let Some((_, parts)) = self.parts {
            parts.abandon().await;
        }
    }

    /// All has come.
    pub(super) async fn finish(mut self) -> Result<Received, StoreError> {
        let rest = self.buffer.split().freeze();
        let bytes = match self.parts.take() {
            None => Held::Here(rest),
            Some((path, mut parts)) => {
                let written = async {
                    parts.write(rest).await?;
                    parts.complete().await
                };
                if let Err(error) = written.await {
                    parts.abandon().await;
                    return Err(error);
                }
                Held::There(path)
            }
        };
        Ok(Received {
            sha256: hex(&self.sum.finalize()),
            size: self.size,
            head: self.head.freeze(),
            bytes,
        })
    }
}

impl Received {
    /// Puts the bytes where they stay. Until [`Self::is_kept`] they are in doubt, and go after a while if nobody has stored them.
    pub(super) async fn keep(&self, store: &Store) -> Result<(), StoreError> {
        store.put(&doubtful(&self.sha256), Bytes::new()).await?;
        match &self.bytes {
            Held::Here(bytes) => store.put(&kept(&self.sha256), bytes.clone()).await,
            Held::There(path) => store.rename(path, &kept(&self.sha256)).await,
        }
    }

    /// Whether the bytes are where they stay. Asked behind the event that says that they are stored: what was about to remove them
    /// before has done so by then, or has seen the event.
    pub(super) async fn is_kept(&self, store: &Store) -> Result<bool, StoreError> {
        let there = store.has(&kept(&self.sha256)).await?;
        if there {
            store.remove(&doubtful(&self.sha256)).await?;
        }
        Ok(there)
    }

    /// Reads the bytes again.
    pub(super) async fn read(&self, store: &Store) -> Result<super::store::Chunks, StoreError> {
        match &self.bytes {
            Held::Here(bytes) => {
                let bytes = bytes.clone();
                Ok(Box::pin(futures_util::stream::once(async { Ok(bytes) })))
            }
            Held::There(path) => store.read(path, 0..self.size).await,
        }
    }

    /// Forgets the bytes, which are not stored.
    pub(super) async fn discard(&self, store: &Store) {
        if let Held::There(path) = &self.bytes
            && let Err(error) = store.remove(path).await
        {
            tracing::debug!(%error, "a file that was refused could not be removed");
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
