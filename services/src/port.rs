//! Free ports on 127.0.0.1.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

/// Below the ranges from which systems pick ports for outgoing connections: a port from there could be taken by any
/// client while its server restarts.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Whether a server could listen on this port now.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port that nobody listens on now. Another process may take it before it is used; the caller tries again then.
pub(crate) fn free_port() -> Option<u16> {
    let start = RandomState::new().hash_one(std::process::id()) % u64::from(COUNT);
    let start = start as u16;
    (0..COUNT)
        .map(|step| FIRST + (start + step) % COUNT)
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
        assert!((FIRST..FIRST + COUNT).contains(&port));
    }
}
