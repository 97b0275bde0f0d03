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

/// A port of 127.0.0.1 that is kept for a server as long as this lives, also while the server is down: no other process that takes
/// its ports from here is given it. One of another kind may listen on it all the same.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _claim: Claim,
}

impl Port {
    /// One that nobody has or listens on now, and that the system gives to no outgoing connection. `None` when there is none.
    pub fn unused() -> Option<Self> {
        let ports = ports();
        let count = ports.len();
        let start = RandomState::new().hash_one(std::process::id()) as usize % count;
        ports.cycle().skip(start).take(count).find_map(Self::of)
    }

    /// That one, unless somebody has it or listens on it.
    pub(crate) fn of(number: u16) -> Option<Self> {
        let claim = claim(number)?;
        is_free(number).then_some(Self {
            number,
            _claim: claim,
        })
    }

    pub fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(target_os = "linux")]
type Claim = std::os::unix::net::UnixDatagram;

/// A socket of an abstract name is one process's at a time, and goes with it however it ends.
#[cfg(target_os = "linux")]
fn claim(number: u16) -> Option<Claim> {
    use std::os::linux::net::SocketAddrExt;
    let name = std::os::unix::net::SocketAddr::from_abstract_name(format!("tidings-port-{number}")).ok()?;
    Claim::bind_addr(&name).ok()
}

#[cfg(not(target_os = "linux"))]
type Claim = ();

#[cfg(not(target_os = "linux"))]
fn claim(_number: u16) -> Option<Claim> {
    Some(())
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
        let port = Port::unused().unwrap();
        assert!(ports().contains(&port.number()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_port_is_nobody_elses_while_it_is_kept_even_if_nobody_listens() {
        let port = Port::unused().unwrap();
        let number = port.number();
        assert!(is_free(number));
        assert!(Port::of(number).is_none());
        drop(port);
        assert!(Port::of(number).is_some());
    }

    #[test]
    fn ports_of_outgoing_connections_are_left_alone() {
        assert_eq!(outside(&(32_768..=60_999)), USUAL);
        assert_eq!(outside(&(15_000..=60_999)), 10_000..=14_999);
        assert_eq!(outside(&(1_024..=60_999)), 61_000..=65_535);
        assert_eq!(outside(&(1_024..=65_535)), USUAL);
    }
}
