//! Checksums that clients send along: `Repr-Digest` (RFC 9530) of a file, `Upload-Checksum` of a part of one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A SHA-256.
pub(super) type Sum = [u8; 32];

/// The SHA-256 of a `Repr-Digest`, which may hold others too. `Err` where it cannot be read.
pub(super) fn repr_digest(header: &str) -> Result<Option<Sum>, ()> {
    for member in header.split(',') {
        let (name, value) = member.trim().split_once('=').ok_or(())?;
        if !name.eq_ignore_ascii_case("sha-256") {
            continue;
        }
        let value = value.split(';').next().unwrap_or_default().trim();
        let inner = value.strip_prefix(':').and_then(|value| value.strip_suffix(':'));
        return sum(inner.ok_or(())?).map(Some);
    }
    Ok(None)
}

/// The SHA-256 of an `Upload-Checksum`; `Err` where it is another algorithm or cannot be read.
pub(super) fn upload_checksum(header: &str) -> Result<Sum, ()> {
    let (algorithm, value) = header.trim().split_once(' ').ok_or(())?;
    if algorithm != "sha256" {
        return Err(());
    }
    sum(value.trim())
}

fn sum(text: &str) -> Result<Sum, ()> {
    let bytes = STANDARD.decode(text).map_err(|_| ())?;
    bytes.try_into().map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

    #[test]
    fn a_checksum_is_found_among_others() {
        let wanted = sum(HELLO).unwrap();
        for header in [
            format!("sha-256=:{HELLO}:"),
            format!("sha-512=:AAAA:, SHA-256=:{HELLO}:"),
            format!("sha-256=:{HELLO}:;q=1"),
        ] {
            assert_eq!(repr_digest(&header), Ok(Some(wanted)), "{header}");
        }
        assert_eq!(repr_digest("sha-512=:AAAA:"), Ok(None));
        for broken in ["", "sha-256", "sha-256=abc", "sha-256=:AAAA:", "sha-256=:!:"] {
            assert_eq!(repr_digest(broken), Err(()), "{broken}");
        }
        assert_eq!(upload_checksum(&format!("sha256 {HELLO}")), Ok(wanted));
        for broken in ["sha256", "sha1 AAAA", "sha256 AAAA", ""] {
            assert_eq!(upload_checksum(broken), Err(()), "{broken}");
        }
    }
}
