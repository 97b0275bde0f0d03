//! tus 1.0: what a request asks, what may be done, and what is answered. Pure: nothing here reads, writes or tells the time.

use super::checksum::{self, Sum};
use axum::http::{HeaderMap, Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tidings_domain::{FileName, Rejection};

/// The one version that is spoken.
pub(super) const VERSION: &str = "1.0.0";
pub(super) const EXTENSIONS: &str = "creation,expiration,checksum,termination";
/// The algorithm of `Upload-Checksum`.
pub(super) const ALGORITHM: &str = "sha256";
/// `Checksum Mismatch`, which tus has added to HTTP.
pub(super) const MISMATCH: u16 = 460;

/// The longest `Upload-Metadata`, in bytes: a name and a type take a fifth of it.
const METADATA_BYTES_MAX: usize = 4096;

/// What is asked of an upload, or of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Begin(Begin),
    Look,
    Append(Append),
    GiveUp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Begin {
    /// Of the whole file, in bytes.
    pub(super) size: u64,
    pub(super) name: FileName,
    pub(super) media_type: Option<String>,
    /// `Upload-Metadata`, which says both, as it came.
    pub(super) metadata: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Append {
    pub(super) offset: u64,
    /// Of the body of the request.
    pub(super) sum: Option<Sum>,
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) size: u64,
    pub(super) received: u64,
}

/// Why a request is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Another version is spoken.
    Version,
    /// The upload is somewhere else.
    Offset,
    /// The body is no part of a file.
    Type,
    TooLarge,
    /// What is said of the file is longer than may be, or its name is.
    Metadata,
    /// A header is missing or cannot be read.
    Header(&'static str),
    Method,
}

impl Wrong {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Version => StatusCode::PRECONDITION_FAILED,
            Self::Offset => StatusCode::CONFLICT,
            Self::Type => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge | Self::Metadata => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Header(_) => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
        }
    }
}

/// Reads a request to the collection or, with `one`, to an upload. No file is larger than `most`.
pub(super) fn ask(method: &Method, headers: &HeaderMap, one: bool, most: u64) -> Result<Ask, Wrong> {
    if text(headers, "tus-resumable") != Some(VERSION) {
        return Err(Wrong::Version);
    }
    match (method.as_str(), one) {
        ("POST", false) => begin(headers, most).map(Ask::Begin),
        ("HEAD", true) => Ok(Ask::Look),
        ("PATCH", true) => append(headers).map(Ask::Append),
        ("DELETE", true) => Ok(Ask::GiveUp),
        _ => Err(Wrong::Method),
    }
}

fn begin(headers: &HeaderMap, most: u64) -> Result<Begin, Wrong> {
    let size = number(headers, "upload-length")?;
    if size == 0 {
        return Err(Wrong::Header("upload-length"));
    }
    if size > most {
        return Err(Wrong::TooLarge);
    }
    let wrong = Wrong::Header("upload-metadata");
    let metadata = text(headers, "upload-metadata").ok_or(wrong)?;
    if metadata.len() > METADATA_BYTES_MAX {
        return Err(Wrong::Metadata);
    }
    let value = |key: &str| -> Option<Vec<u8>> {
        metadata.split(',').find_map(|pair| {
            let (name, value) = pair.trim().split_once(' ')?;
            (name == key).then(|| STANDARD.decode(value.trim()).ok())?
        })
    };
    let name = value("filename")
        .and_then(|name| String::from_utf8(name).ok())
        .ok_or(wrong)?;
    Ok(Begin {
        size,
        name: FileName::parse(&name).map_err(|refused| match refused {
            Rejection::TooLarge { .. } => Wrong::Metadata,
            _ => wrong,
        })?,
        media_type: value("filetype")
            .and_then(|media_type| String::from_utf8(media_type).ok())
            .filter(|media_type| media_type.len() <= 100 && may_stand_in_header(media_type)),
        metadata: metadata.to_owned(),
    })
}

/// Whether a text could have come in a header, as the type of what is uploaded in one go does: the database keeps no other.
fn may_stand_in_header(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

fn append(headers: &HeaderMap) -> Result<Append, Wrong> {
    if text(headers, "content-type") != Some("application/offset+octet-stream") {
        return Err(Wrong::Type);
    }
    let sum = match headers.get("upload-checksum") {
        None => None,
        Some(header) => {
            let read = header.to_str().ok().map(checksum::upload_checksum);
            Some(
                read.and_then(Result::ok)
                    .ok_or(Wrong::Header("upload-checksum"))?,
            )
        }
    };
    Ok(Append {
        offset: number(headers, "upload-offset")?,
        sum,
    })
}

impl State {
    /// How many bytes a part may have, whose sender believes that the upload is at `offset`.
    pub(super) fn room(self, offset: u64) -> Result<u64, Wrong> {
        if offset == self.received {
            Ok(self.size - self.received)
        } else {
            Err(Wrong::Offset)
        }
    }

    pub(super) fn is_complete(self) -> bool {
        self.received == self.size
    }
}

fn number(headers: &HeaderMap, name: &'static str) -> Result<u64, Wrong> {
    let text = text(headers, name).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).ok_or(Wrong::Header(name))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        };
        pairs.iter().map(pair).collect()
    }

    fn asked(method: &Method, one: bool, pairs: &[(&'static str, &str)]) -> Result<Ask, Wrong> {
        let mut headers = headers(pairs);
        headers.insert("tus-resumable", HeaderValue::from_static(VERSION));
        ask(method, &headers, one, 100)
    }

    #[test]
    fn an_upload_begins_with_its_size_and_its_name() {
        let metadata = "filename YSBoaWxsLnBuZw==, filetype aW1hZ2UvcG5n,other";
        let begin = asked(
            &Method::POST,
            false,
            &[("upload-length", "100"), ("upload-metadata", metadata)],
        );
        assert_eq!(
            begin,
            Ok(Ask::Begin(Begin {
                size: 100,
                name: FileName::parse("a hill.png").unwrap(),
                media_type: Some("image/png".to_owned()),
                metadata: metadata.to_owned(),
            }))
        );
        // A type that no header could say is none.
        for filetype in ["aW1hZ2UAcG5n", "aW1hZ2UKcG5n", "w6Q="] {
            let metadata = format!("filename YQ==,filetype {filetype}");
            let begin = asked(
                &Method::POST,
                false,
                &[("upload-length", "1"), ("upload-metadata", &metadata)],
            );
            let Ok(Ask::Begin(begin)) = begin else {
                panic!("{filetype}: {begin:?}")
            };
            assert_eq!(begin.media_type, None, "{filetype}");
        }
        let name = ("upload-metadata", "filename YQ==");
        for (pairs, wrong) in [
            (vec![name], Wrong::Header("upload-length")),
            (vec![name, ("upload-length", "0")], Wrong::Header("upload-length")),
            (
                vec![name, ("upload-length", "-1")],
                Wrong::Header("upload-length"),
            ),
            (vec![name, ("upload-length", "101")], Wrong::TooLarge),
            (vec![("upload-length", "1")], Wrong::Header("upload-metadata")),
            (
                vec![("upload-length", "1"), ("upload-metadata", "filename !")],
                Wrong::Header("upload-metadata"),
            ),
        ] {
            assert_eq!(asked(&Method::POST, false, &pairs), Err(wrong), "{pairs:?}");
        }
        for (name, others, expected) in [
            (255, 0, None),
            (256, 0, Some(Wrong::Metadata)),
            (1, 4096, Some(Wrong::Metadata)),
        ] {
            let name = STANDARD.encode("x".repeat(name));
            let metadata = format!("filename {name},other {}", "A".repeat(others));
            let begin = asked(
                &Method::POST,
                false,
                &[("upload-length", "1"), ("upload-metadata", &metadata)],
            );
            assert_eq!(begin.err(), expected);
        }
    }

    #[test]
    fn a_part_says_where_it_belongs() {
        let part = ("content-type", "application/offset+octet-stream");
        let append = |pairs: &[(&'static str, &str)]| asked(&Method::PATCH, true, pairs);
        assert_eq!(
            append(&[part, ("upload-offset", "7")]),
            Ok(Ask::Append(Append { offset: 7, sum: None }))
        );
        assert_eq!(append(&[("upload-offset", "7")]), Err(Wrong::Type));
        assert_eq!(append(&[part]), Err(Wrong::Header("upload-offset")));
        assert_eq!(
            append(&[part, ("upload-offset", "7"), ("upload-checksum", "md5 AAAA")]),
            Err(Wrong::Header("upload-checksum"))
        );
        let state = State {
            size: 10,
            received: 7,
        };
        assert_eq!(state.room(7), Ok(3));
        for elsewhere in [0, 6, 8, 10, 11] {
            assert_eq!(state.room(elsewhere), Err(Wrong::Offset));
        }
        assert!(
            !state.is_complete()
                && State {
                    received: 10,
                    ..state
                }
                .is_complete()
        );
    }

    #[test]
    fn another_version_and_other_methods_are_refused() {
        assert_eq!(
            ask(&Method::HEAD, &headers(&[("tus-resumable", "0.2.0")]), true, 1),
            Err(Wrong::Version)
        );
        assert_eq!(ask(&Method::HEAD, &headers(&[]), true, 1), Err(Wrong::Version));
        assert_eq!(asked(&Method::HEAD, true, &[]), Ok(Ask::Look));
        assert_eq!(asked(&Method::DELETE, true, &[]), Ok(Ask::GiveUp));
        assert_eq!(asked(&Method::POST, true, &[]), Err(Wrong::Method));
        assert_eq!(asked(&Method::DELETE, false, &[]), Err(Wrong::Method));
    }
}
