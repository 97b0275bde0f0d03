//! Files that a real clamd looks at, where the machine has one: `apt-get install clamav-daemon`. Elsewhere these tests say that they
//! have seen nothing, and end.

use crate::support::*;
use reqwest::StatusCode;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;
use tidings::attachments::Scan;
use tidings_services::{Port, Program};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What is harmful by the only signature that this clamd knows.
const HARMFUL: &[u8] = b"tidings-test-signature: do no harm";
/// The largest file that it takes.
const LIMIT: usize = 16 << 20;
/// More than a part of an object, so that it is read from the store.
const LARGE: usize = 12_000_000;

/// A clamd of one's own.
struct Clamd {
    program: Program,
    port: Port,
    _home: tempfile::TempDir,
}

impl Clamd {
    /// None where the machine has no clamd.
    async fn start() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        let Some(binary) = places
            .map(|place| place.join("clamd"))
            .find(|path| path.is_file())
        else {
            println!("there is no clamd here, so none was asked: install clamav-daemon");
            return None;
        };
        let home = tempfile::tempdir().unwrap();
        let port = Port::unused().unwrap();
        let signature = HARMFUL.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        std::fs::write(
            home.path().join("own.ndb"),
            format!("Tidings.Test:0:*:{signature}\n"),
        )
        .unwrap();
        let settings = home.path().join("clamd.conf");
        let text = format!(
            "Foreground yes\nTCPSocket {}\nTCPAddr 127.0.0.1\nDatabaseDirectory {}\nStreamMaxLength {LIMIT}\n",
            port.number(),
            home.path().display()
        );
        std::fs::write(&settings, text).unwrap();
        let arguments = [format!("--config-file={}", settings.display())];
        let log = home.path().join("clamd.log");
        let program = Program::start(&binary, &arguments, &[], &log).unwrap();
        let clamd = Self {
            program,
            port,
            _home: home,
        };
        eventually(async || clamd.answers().await.then_some(())).await;
        Some(clamd)
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port.number())
    }

    async fn answers(&self) -> bool {
        let asking = async {
            let mut stream = TcpStream::connect(self.address()).await?;
            stream.write_all(b"zPING\0").await?;
            let mut answer = vec![];
            stream.read_to_end(&mut answer).await?;
            Ok::<_, std::io::Error>(answer == b"PONG\0")
        };
        assert!(
            self.program.is_running(),
            "{}",
            std::fs::read_to_string(self.program.log()).unwrap_or_default()
        );
        asking.await.unwrap_or(false)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clamd_finds_what_does_harm_in_files_of_any_size() {
    let Some(clamd) = Clamd::start().await else {
        return;
    };
    let store = Store::new().await;
    let mut config = store.config();
    config.attachments.scan = Scan::Clamd;
    config.attachments.scan_address = Some(clamd.address());
    let node = TestNode::start(config).await;
    let ann = node.register("ann").await;
    let status = async |bytes: Vec<u8>| {
        let url = node.url("/attachments?name=a.bin");
        let request = node.http.post(url).bearer_auth(&ann.token);
        request.body(bytes).send().await.unwrap().status()
    };
    // Nothing in it repeats, so that it is looked at as it is.
    let large: Vec<u8> = (0..LARGE as u32 / 4)
        .flat_map(|n| n.wrapping_mul(0x9e37_79b1).to_le_bytes())
        .collect();
    let mut harmful = large.clone();
    harmful.splice(7_000_000..7_000_000, HARMFUL.iter().copied());
    assert_eq!(status(b"harmless".to_vec()).await, StatusCode::CREATED);
    assert_eq!(status(HARMFUL.to_vec()).await, StatusCode::FORBIDDEN);
    assert_eq!(status(harmful).await, StatusCode::FORBIDDEN);
    assert_eq!(status(large.clone()).await, StatusCode::CREATED);
    // It does not look at what is larger than it was told, so nobody has looked at that.
    let mut huge = large;
    huge.resize(LIMIT + 1, b'x');
    assert_eq!(status(huge).await, StatusCode::SERVICE_UNAVAILABLE);
    // It is gone, and then nothing is taken.
    assert!(clamd.program.stop(Duration::from_mins(1)));
    assert_eq!(
        status(b"harmless".to_vec()).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    node.stop().await;
}
