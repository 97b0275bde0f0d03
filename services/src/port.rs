//! Free ports on 127.0.0.1.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;

/// Below the ranges from which systems pick ports for outgoing connections, unless they are told otherwise.
const USUAL: RangeInclusive<u16> = 20_000..=31_999;
/// Ports that suffice for the servers of a machine.
const ENOUGH: u16 = 1_000;
/// Below it are servers of the system.
const LOWEST: u16 = 10_000;

/// Ports outside the range from which this system picks those of outgoing connections: one from there could be taken by any
/// client while its server restarts.
fn ports() -> RangeInclusive<u16> {
    std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|text| {
            let mut numbers = text.split_whitespace().map(str::parse);
            Some(outside(&(numbers.next()?.ok()?..=numbers.next()?.ok()?)))
        })
        .unwrap_or(USUAL)
}

/// The usual ports where they are outside of `outgoing`, or else those below or above it; the usual ones again where it
/// leaves none.
fn outside(outgoing: &RangeInclusive<u16>) -> RangeInclusive<u16> {
    let (first, last) = (*outgoing.start(), *outgoing.end());
    if *USUAL.end() < first || last < *USUAL.start() {
        USUAL
    } else if first >= LOWEST + ENOUGH {
        LOWEST..=first - 1
    } else if last <= u16::MAX - ENOUGH {
        last + 1..=u16::MAX
    } else {
        USUAL
    }
}

/// Whether a server could listen on this port now.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port that nobody listens on now. Another process may take it before it is used; the caller tries again then.
pub(crate) fn free_port() -> Option<u16> {
    let ports = ports();
    let count = ports.len();
    let start = RandomState::new().hash_one(std::process::id()) as usize % count;
    ports
        .clone()
        .cycle()
        .skip(start)
        .take(count)
        .find(|&port| is_free(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }

    #[test]
    fn a_free_port_is_found_outside_the_range_of_outgoing_connections() {
        let port = free_port().unwrap();
        assert!(ports().contains(&port));
    }

    #[test]
    fn ports_of_outgoing_connections_are_left_alone() {
        assert_eq!(outside(&(32_768..=60_999)), USUAL);
        assert_eq!(outside(&(15_000..=60_999)), 10_000..=14_999);
        assert_eq!(outside(&(1_024..=60_999)), 61_000..=65_535);
        assert_eq!(outside(&(1_024..=65_535)), USUAL);
    }
}
