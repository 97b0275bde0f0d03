//! Where a request comes from.

use super::admission::Caller;
use super::service::Accounts;
use crate::problem::Problem;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use std::net::{IpAddr, SocketAddr};
use tidings_domain::text::{is_presentable, turns_the_line};

/// The address that limits apply to.
pub(super) struct ClientAddress(pub(super) IpAddr);

impl FromRequestParts<Accounts> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, accounts: &Accounts) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer
            .ok_or_else(|| Problem::unavailable("the client's address is not known"))?
            .0
            .ip();
        Ok(Self(client(
            peer,
            &parts.headers,
            accounts.config().trusted_proxies,
        )))
    }
}

/// What a client calls itself has at most this many characters here.
const DEVICE_CHARS_MAX: usize = 64;

impl FromRequestParts<Accounts> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, accounts: &Accounts) -> Result<Self, Problem> {
        let ClientAddress(address) = ClientAddress::from_request_parts(parts, accounts).await?;
        let agent = parts.headers.get(header::USER_AGENT);
        let device = agent.and_then(|agent| agent.to_str().ok()).and_then(device);
        Ok(Self { address, device })
    }
}

/// What people are shown of a device's name, by the [rule of all names](is_presentable); `None` when that is nothing. Whoever looks for a
/// stranger among their sessions sees all of them.
pub(super) fn device(name: &str) -> Option<String> {
    let shown = name
        .chars()
        .filter(|char| !char.is_control() && !turns_the_line(*char));
    let shown: String = shown.collect();
    let name: String = shown.trim().chars().take(DEVICE_CHARS_MAX).collect();
    is_presentable(&name).then_some(name)
}

/// Each proxy appends the address that it was called from, so the nearest `trusted` entries can be believed and the
/// client's is the first of them. What stands before came from outside and may be anything.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: usize) -> IpAddr {
    if trusted == 0 {
        return peer;
    }
    let lines = headers.get_all("x-forwarded-for").into_iter();
    // In bytes, for one that cannot be read counts as any other does: whoever sends it shifts nothing.
    let entries: Vec<&[u8]> = lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .collect();
    let entry = entries
        .len()
        .checked_sub(trusted)
        .and_then(|index| entries.get(index));
    entry.and_then(|entry| parse(entry)).unwrap_or(peer)
}

/// Some proxies add the port.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry.trim_ascii()).ok()?;
    let address = entry.parse().ok();
    address.or_else(|| entry.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_device_shows_something_and_turns_no_line_around() {
        assert_eq!(device(" a phone ").as_deref(), Some("a phone"));
        assert_eq!(device("d\u{202e}x\n").as_deref(), Some("dx"));
        assert_eq!(device("\u{2066} x").as_deref(), Some("x"));
        assert_eq!(device(&"x".repeat(65)), Some("x".repeat(64)));
        for nothing in ["", " ", "\u{200b}", "\u{2066}\u{2069}", "\u{feff} \u{2800}"] {
            assert_eq!(device(nothing), None, "{nothing:?}");
        }
    }

    fn seen(header: &[&str], trusted: usize) -> String {
        let mut headers = HeaderMap::new();
        for value in header {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append("x-forwarded-for", value);
        }
        client("10.0.0.1".parse().unwrap(), &headers, trusted).to_string()
    }

    #[test]
    fn nobody_chooses_their_own_address() {
        assert_eq!(seen(&["192.0.2.9"], 0), "10.0.0.1");
        assert_eq!(seen(&["192.0.2.9, 192.0.2.1"], 1), "192.0.2.1");
        assert_eq!(seen(&["192.0.2.9", "192.0.2.1"], 1), "192.0.2.1");
        assert_eq!(seen(&["192.0.2.9, 192.0.2.1, 10.0.0.2"], 2), "192.0.2.1");
        assert_eq!(seen(&["192.0.2.1:4711"], 1), "192.0.2.1");
        assert_eq!(seen(&["[2001:db8::1]:4711"], 1), "2001:db8::1");
    }

    #[test]
    fn without_a_usable_entry_it_is_the_peer() {
        assert_eq!(seen(&[], 1), "10.0.0.1");
        assert_eq!(seen(&["unknown"], 1), "10.0.0.1");
        assert_eq!(seen(&["192.0.2.1"], 2), "10.0.0.1");
    }

    #[test]
    fn an_entry_that_cannot_be_read_counts_and_hides_no_other() {
        assert_eq!(seen(&["é, 192.0.2.1"], 1), "192.0.2.1");
        assert_eq!(seen(&["192.0.2.9", "é, 192.0.2.1"], 1), "192.0.2.1");
        assert_eq!(seen(&["192.0.2.9", "192.0.2.1, é"], 2), "192.0.2.1");
        assert_eq!(seen(&["192.0.2.9", "é"], 1), "10.0.0.1");
        assert_eq!(seen(&["192.0.2.9", "é, 10.0.0.2"], 2), "10.0.0.1");
    }
}
