//! `GET /attachments/{id}/thumbnail?size=`: a picture made smaller, once, by a process of its own that is bounded in memory and time.

use super::Shared;
use super::config::AttachmentConfig;
use super::download::{CACHE, POLICY, Ticket};
use super::links::Opens;
use super::places::{Place, Places};
use super::problems;
use super::query::{self, Pairs};
use super::store::{Chunks, StoreError, kept, thumbnail};
use super::tries::Tries;
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{Path as In, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use object_store::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tidings_projections::attachments::Attachment;
use tidings_protocol::ErrorCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// Pixels of the longer side.
pub(super) const SIZES: [u32; 2] = [480, 1280];
/// Types that are made smaller.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/// How long one may wait for its turn.
const TURN: Duration = Duration::from_secs(30);
/// Pictures that wait for their turn, of all and of one user.
const QUEUE: usize = 100;
const QUEUE_PER_USER: usize = 4;
/// The exit code by which the program says that the picture cannot be read (`EX_DATAERR`). Whatever else ends it says nothing of the picture:
/// the server stops, memory is short, the machine is slow.
pub const UNREADABLE: u8 = 65;
/// The largest thumbnail, in bytes.
const OUTPUT: u64 = 8 << 20;

/// Makes thumbnails.
pub(super) struct Thumbnailer {
    program: Option<PathBuf>,
    turns: Semaphore,
    waiting: Places,
    tries: Tries,
    /// How long one may take.
    limit: Duration,
    is_on: bool,
}

/// Why there is none.
enum Trouble {
    /// The picture cannot be made smaller, now or ever.
    Picture,
    /// The program ended, or was ended, without a word: by the picture or by the machine, nobody knows.
    Ended,
    /// The program could not be run.
    Machine,
    Store(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Thumbnailer {
    /// At most so many processes of the program that is configured, or of this program, run at a time.
    pub(super) fn new(config: &AttachmentConfig) -> Self {
        let program = config.thumbnailer.clone();
        Self {
            program: program.or_else(|| std::env::current_exe().ok()),
            turns: Semaphore::new(config.thumbnailers),
            waiting: Places::new(QUEUE, QUEUE_PER_USER),
            tries: Tries::new(),
            limit: Duration::from_millis(config.thumbnail_ms),
            is_on: config.thumbnailers > 0,
        }
    }
}

/// Sends a thumbnail.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    In(id): In<String>,
    pairs: Pairs,
    Query(ticket): Query<Ticket>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let size = query::one(&pairs, "size")?.map_or(Some(SIZES[0]), |size| size.parse().ok());
    let Some(size) = size.filter(|size| SIZES.contains(size)) else {
        return Err(Problem::invalid("size", "thumbnails have a size of 480 or 1280"));
    };
    let (attachment, place, opens) = shared.shown(&id, &ticket, &headers).await?;
    // Who looks at a report is shown none. It would stay, and whoever stores the same bytes once more would find it made.
    let is_made = shared.thumbnailer.is_on && opens == Opens::Shown;
    if !is_made || !PICTURES.contains(&&*attachment.media_type) {
        return Err(none());
    }
    let path = thumbnail(&attachment.sha256, size);
    let made = if let Some(made) = shared.made(&path).await? {
        Some(made)
    } else {
        let making = Arc::clone(&shared);
        let turn = shared.thumbnailer.waiting.take(place.user())?;
        // The next one who asks has it, whatever becomes of this one.
        shared
            .see_through(async move { making.make(&attachment, size, turn).await })
            .await?;
        shared.made(&path).await?
    };
    let (first, rest) = made.flatten().ok_or_else(none)?;
    let media_type = if first.starts_with(b"RIFF") {
        "image/webp"
    } else {
        "image/jpeg"
    };
    // It is free again when the last chunk is gone; until then no more than a chunk is held for whoever reads slowly.
    let chunks = stream::once(async { Ok(first) }).chain(rest).inspect(move |_| {
        let _place = &place;
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, CACHE),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

fn none() -> Problem {
    Problem::new(ErrorCode::NotFound, "there is no thumbnail of it")
}

fn busy() -> Problem {
    let problem = Problem::new(ErrorCode::Overloaded, "there are too many thumbnails to be made");
    problem.retry_after_ms(5000)
}

/// What is said where it is tried again after a rest, by whoever asks then.
fn later(rest: Duration) -> Problem {
    resting(
        Problem::unavailable("its thumbnail cannot be made just now"),
        rest,
    )
}

fn resting(problem: Problem, rest: Duration) -> Problem {
    let rest = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
    problem.retry_after_ms(rest.max(1))
}

impl Shared {
    /// The thumbnail that was made before: its first bytes and the others. Nothing in it, where none can be made.
    async fn made(&self, path: &Path) -> Result<Option<Option<(Bytes, Chunks)>>, Problem> {
        let failed = |error| problems::store(&error);
        let mut chunks = match self.store.read(path, 0..0).await {
            Err(StoreError::Missing) => return Ok(None),
            chunks => chunks.map_err(failed)?,
        };
        let first = chunks.next().await.transpose().map_err(failed)?;
        let first = first.filter(|first| !first.is_empty());
        Ok(Some(first.map(|first| (first, chunks))))
    }

    /// Makes it, when its turn has come.
    async fn make(&self, attachment: &Attachment, size: u32, waiting: Place) -> Result<(), Problem> {
        let path = thumbnail(&attachment.sha256, size);
        let tries = &self.thumbnailer.tries;
        let early = || tries.early(&path, Instant::now()).map(later);
        let by_store = |error: &StoreError| {
            let rest = tries.hindered(&path, Instant::now());
            resting(problems::store(error), rest)
        };
        if let Some(problem) = early() {
            return Err(problem);
        }
        let turn = timeout(TURN, self.thumbnailer.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(busy());
        };
        // Somebody who was before may have wanted the same one.
        let there = self.store.has(&path).await;
        if there.map_err(|error| problems::store(&error))? {
            return Ok(());
        }
        if let Some(problem) = early() {
            return Err(problem);
        }
        let at_store = AtomicBool::new(false);
        let made = timeout(self.thumbnailer.limit, self.run(attachment, size, &at_store)).await;
        drop(waiting);
        let late = || {
            if at_store.load(Ordering::Relaxed) {
                Trouble::Store(StoreError::Late)
            } else {
                Trouble::Ended
            }
        };
        let bytes = match made.unwrap_or_else(|_| Err(late())) {
            Ok(bytes) => bytes,
            Err(Trouble::Picture) => {
                tracing::debug!(attachment = %attachment.id, "a picture cannot be made smaller");
                Bytes::new()
            }
            Err(Trouble::Ended) => {
                let rest = tries.failed(&path, Instant::now());
                tracing::debug!(attachment = %attachment.id, ?rest, "a thumbnail came to nothing");
                return Err(later(rest));
            }
            Err(Trouble::Machine) => return Err(later(tries.hindered(&path, Instant::now()))),
            Err(Trouble::Store(error)) => return Err(by_store(&error)),
        };
        if let Err(error) = self.store.put(&path, bytes).await {
            return Err(by_store(&error));
        }
        tries.forget(&path);
        Ok(())
    }

    /// Has a process make it, which ends with this future. `at_store` is set while it is the store that is waited for.
    async fn run(&self, attachment: &Attachment, size: u32, at_store: &AtomicBool) -> Result<Bytes, Trouble> {
        let program = self.thumbnailer.program.as_ref().ok_or(Trouble::Machine)?;
        let bytes = u64::try_from(attachment.size).unwrap_or(0);
        let path = kept(&attachment.sha256);
        let mut chunks = waited(at_store, self.store.read(&path, 0..bytes)).await?;
        let mut child = Command::new(program)
            .args(["thumbnail", "--size", &size.to_string()])
            // It is told no secrets.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                tracing::warn!(%error, "the program that makes thumbnails cannot be started");
                Trouble::Machine
            })?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Trouble::Machine);
        };
        let feed = async {
            while let Some(chunk) = waited(at_store, chunks.next()).await {
                // It may have had enough.
                if input.write_all(&chunk?).await.is_err() {
                    break;
                }
            }
            drop(input);
            Ok::<_, Trouble>(())
        };
        let mut made = vec![];
        let mut output = output.take(OUTPUT + 1);
        let (fed, read) = tokio::join!(feed, output.read_to_end(&mut made));
        fed?;
        // One that has more to say ends by that.
        drop(output);
        let ended = child.wait().await.map_err(|_| Trouble::Machine)?;
        if ended.code() == Some(UNREADABLE.into()) {
            return Err(Trouble::Picture);
        }
        let is_made = read.is_ok() && ended.success() && !made.is_empty() && made.len() as u64 <= OUTPUT;
        if is_made {
            Ok(made.into())
        } else {
            Err(Trouble::Ended)
        }
    }
}

/// Says so while something is waited for.
async fn waited<F: Future>(flag: &AtomicBool, future: F) -> F::Output {
    flag.store(true, Ordering::Relaxed);
    let output = future.await;
    flag.store(false, Ordering::Relaxed);
    output
}
