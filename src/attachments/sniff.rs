//! What a file is, as its first bytes say.

/// Types that browsers show without running anything, and that are therefore shown in place.
const SHOWN: [&str; 10] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "video/mp4",
    "video/webm",
    "audio/mpeg",
    "audio/ogg",
    "application/pdf",
];
/// What is known of nothing.
pub(super) const UNKNOWN: &str = "application/octet-stream";
/// The longest type that a client may claim, in bytes.
const CLAIM_MAX: usize = 100;

/// The type of a file. What its bytes do not tell, its sender may, where it makes no difference to how it is served.
pub(super) fn media_type(head: &[u8], claimed: Option<&str>) -> String {
    if let Some(known) = infer::get(head) {
        return known.mime_type().to_owned();
    }
    let claimed = claimed.unwrap_or_default();
    let bare = claimed
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let may_be = match bare.split_once('/') {
        Some((kind, of_kind)) => {
            ["text", "application"].contains(&kind) && token(of_kind) && bare.len() <= CLAIM_MAX
        }
        None => false,
    };
    if may_be && !is_shown(&bare) {
        bare
    } else {
        UNKNOWN.to_owned()
    }
}

/// Whether a file of this type may be shown in place.
pub(super) fn is_shown(media_type: &str) -> bool {
    SHOWN.contains(&media_type)
}

/// A picture's width and height in pixels, if the first bytes tell.
pub(super) fn dimensions(head: &[u8]) -> Option<(u32, u32)> {
    let size = imagesize::blob_size(head).ok()?;
    Some((u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_believed_and_senders_only_where_it_is_harmless() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03\x08\x06\0\0\0";
        assert_eq!(media_type(png, Some("text/html")), "image/png");
        assert_eq!(dimensions(png), Some((2, 3)));
        for (claimed, taken) in [
            (Some("text/plain; charset=utf-8"), "text/plain"),
            (Some("Application/JSON"), "application/json"),
            (Some("image/png"), UNKNOWN),
            (Some("application/pdf"), UNKNOWN),
            (Some("text/"), UNKNOWN),
            (Some("text/a\r\nb"), UNKNOWN),
            (Some("nonsense"), UNKNOWN),
            (None, UNKNOWN),
        ] {
            assert_eq!(media_type(b"hello there", claimed), taken, "{claimed:?}");
        }
        assert_eq!(dimensions(b"hello there"), None);
    }

    #[test]
    fn nothing_that_runs_is_shown_in_place() {
        for active in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/xml",
            UNKNOWN,
        ] {
            assert!(!is_shown(active), "{active}");
        }
        assert!(is_shown("image/png"));
    }
}
