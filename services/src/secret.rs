//! The password of one private server. On a machine that several people use, 127.0.0.1 belongs to all of them.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::error::ServiceError;
use crate::files::Home;

const BYTES: usize = 16;

/// Kept in a file that only the server's owner can read. Safe in URLs and settings as it is, and never shown.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// The one that was made with the server in `dir`, for whoever may read it.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        let text = fs::read_to_string(dir.join("secret")).ok()?;
        let text = text.trim();
        let whole = text.len() == 2 * BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        whole.then(|| Self(text.to_owned()))
    }

    /// A new one, which is not kept yet.
    pub(crate) fn make() -> Result<Self, ServiceError> {
        let source = Path::new("/dev/urandom");
        let mut bytes = [0; BYTES];
        File::open(source)
            .and_then(|mut file| file.read_exact(&mut bytes))
            .map_err(ServiceError::io("read", source))?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bytes))))
    }

    pub(crate) fn keep(&self, home: &Home) -> Result<(), ServiceError> {
        home.write_own("secret", &self.0)
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}
