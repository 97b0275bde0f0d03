//! Who looks at files before they are stored.

use super::config::{AttachmentConfig, Scan};
use super::intake::Received;
use super::problems;
use super::store::{Chunks, Store};
use crate::problem::Problem;
use futures_util::StreamExt as _;
use reqwest::redirect::Policy;
use std::time::Duration;
use tidings_protocol::ErrorCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long it may take to look at one file.
const LOOK: Duration = Duration::from_mins(2);
const CONNECT: Duration = Duration::from_secs(5);
/// The longest verdict that is read, in bytes.
const VERDICT: u64 = 4096;

/// Looks at files, or has somebody look at them.
pub(super) struct Scanner {
    by: Scan,
    address: String,
    required: bool,
    http: Option<reqwest::Client>,
}

/// Nobody has looked at a file, and why.
type Unseen = &'static str;
/// It is the same each time.
const BEYOND: Unseen = "the file is larger than clamd's StreamMaxLength";

impl Scanner {
    pub(super) fn new(config: &AttachmentConfig) -> Self {
        // The answer of whoever it would be sent on to says nothing of the file, and no proxy is to read it.
        let http = || {
            let client = reqwest::Client::builder().timeout(LOOK).connect_timeout(CONNECT);
            client.redirect(Policy::none()).no_proxy().build().ok()
        };
        Self {
            by: config.scan,
            address: config.scan_address.clone().unwrap_or_default(),
            required: config.scan_required,
            http: (config.scan == Scan::Url).then(http).flatten(),
        }
    }

    /// Refuses a file that does harm, and where it is required one that nobody could look at.
    pub(super) async fn look_at(&self, file: &Received, store: &Store) -> Result<(), Problem> {
        if self.by == Scan::None {
            return Ok(());
        }
        let chunks = file.read(store).await.map_err(|error| problems::store(&error))?;
        let looking = async {
            match self.by {
                Scan::Clamd => clamd(&self.address, chunks).await,
                _ => self.ask(chunks).await,
            }
        };
        match timeout(LOOK, looking).await.unwrap_or(Err("it took too long")) {
            Ok(true) => Ok(()),
            Ok(false) => {
                tracing::warn!(sha256 = file.sha256, "a file that does harm was refused");
                metrics::counter!("tidings_attachments_refused_total").increment(1);
                Err(Problem::new(ErrorCode::Forbidden, "the file does harm"))
            }
            Err(why) => {
                tracing::warn!(why, "nobody can look at files");
                if self.required && why == BEYOND {
                    Err(Problem::new(
                        ErrorCode::TooLarge,
                        "the file is larger than what is looked at",
                    ))
                } else if self.required {
                    Err(Problem::unavailable("files cannot be looked at just now").retry_after_ms(5000))
                } else {
                    Ok(())
                }
            }
        }
    }

    async fn ask(&self, chunks: Chunks) -> Result<bool, Unseen> {
        let client = self.http.as_ref().ok_or("there is no client")?;
        let chunks = chunks.map(|chunk| chunk.map_err(std::io::Error::other));
        let request = client
            .post(&self.address)
            .body(reqwest::Body::wrap_stream(chunks));
        let answer = request.send().await.map_err(|_| "the scanner did not answer")?;
        match answer.status().as_u16() {
            200..=299 => Ok(true),
            422 => Ok(false),
            _ => Err("the scanner has trouble"),
        }
    }
}

/// Sends a file to a clamd as it wants it: each chunk behind its length, and none at the end.
async fn clamd(address: &str, mut chunks: Chunks) -> Result<bool, Unseen> {
    let mut stream = TcpStream::connect(address)
        .await
        .map_err(|_| "clamd cannot be reached")?;
    let gone = |_| "clamd hung up";
    stream.write_all(b"zINSTREAM\0").await.map_err(gone)?;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| "the file cannot be read")?;
        for piece in chunk.chunks(64 << 10) {
            let length = (piece.len() as u32).to_be_bytes();
            stream.write_all(&length).await.map_err(gone)?;
            stream.write_all(piece).await.map_err(gone)?;
        }
    }
    stream.write_all(&[0; 4]).await.map_err(gone)?;
    let mut verdict = vec![];
    stream
        .take(VERDICT)
        .read_to_end(&mut verdict)
        .await
        .map_err(gone)?;
    let verdict = String::from_utf8_lossy(&verdict);
    let verdict = verdict.trim_end_matches(['\0', '\n']);
    if verdict.ends_with(" OK") {
        Ok(true)
    } else if verdict.ends_with(" FOUND") {
        Ok(false)
    } else if verdict.contains("size limit exceeded") {
        Err(BEYOND)
    } else {
        Err("clamd has trouble")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use tokio::net::TcpListener;

    /// A clamd that answers `verdict`, and gives what it was sent.
    async fn peer(verdict: &'static [u8]) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut sent = vec![];
            while !sent.ends_with(&[0; 4]) {
                let mut some = [0; 1024];
                let count = stream.read(&mut some).await.unwrap();
                sent.extend_from_slice(&some[..count]);
            }
            stream.write_all(verdict).await.unwrap();
            sent
        });
        (address, task)
    }

    #[tokio::test]
    async fn who_sends_a_scanner_elsewhere_has_looked_at_nothing() {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        let answering = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = vec![0; 4096];
                let count = stream.read(&mut head).await.unwrap();
                let answer: &[u8] = if head[..count].starts_with(b"POST") {
                    b"HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                } else {
                    b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                };
                stream.write_all(answer).await.unwrap();
            }
        });
        let config = AttachmentConfig {
            scan: Scan::Url,
            scan_address: Some(format!("http://{address}/scan")),
            ..AttachmentConfig::default()
        };
        assert_eq!(
            Scanner::new(&config).ask(file()).await,
            Err("the scanner has trouble")
        );
        answering.abort();
    }

    fn file() -> Chunks {
        let chunks = [b"ab".as_slice(), b"c"].map(|chunk| Ok(Bytes::from_static(chunk)));
        futures_util::stream::iter(chunks).boxed()
    }

    #[tokio::test]
    async fn clamd_is_sent_every_byte_and_believed() {
        let (address, task) = peer(b"stream: OK\0").await;
        assert_eq!(clamd(&address, file()).await, Ok(true));
        assert_eq!(task.await.unwrap(), b"zINSTREAM\0\0\0\0\x02ab\0\0\0\x01c\0\0\0\0");
        let (address, _) = peer(b"stream: Eicar-Test-Signature FOUND\0").await;
        assert_eq!(clamd(&address, file()).await, Ok(false));
        let (address, _) = peer(b"INSTREAM size limit exceeded. ERROR\0").await;
        assert_eq!(clamd(&address, file()).await, Err(BEYOND));
    }
}
