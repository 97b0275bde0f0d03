//! Sockets, counted from accept to end, whatever is spoken over them.

use crate::rates::{LEAST_RATE, address_key};
use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// How many sockets there are, in all and by address.
pub(super) struct Sockets {
    open: Mutex<Open>,
    all: usize,
    per_address: usize,
}

#[derive(Default)]
struct Open {
    all: usize,
    /// Only addresses that have some.
    of: HashMap<IpAddr, usize>,
}

/// Why there is no place for a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    Node,
    Address,
}

impl Full {
    fn count(self) -> Self {
        let of = match self {
            Self::Node => "node",
            Self::Address => "address",
        };
        metrics::counter!("tidings_sockets_refused_total", "limit" => of).increment(1);
        self
    }
}

impl Sockets {
    pub(super) fn new(all: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            all,
            per_address,
        })
    }

    /// A place for a socket that was just accepted.
    pub(super) fn enter(sockets: &Arc<Self>) -> Result<Arc<Place>, Full> {
        let mut open = sockets.open();
        if open.all >= sockets.all {
            return Err(Full::Node.count());
        }
        open.all += 1;
        metrics::gauge!("tidings_sockets").set(open.all as f64);
        drop(open);
        Ok(Arc::new(Place {
            sockets: Arc::clone(sockets),
            address: Mutex::default(),
        }))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn leave(&mut self, address: IpAddr) {
        if let Some(count) = self.of.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.of.remove(&address);
            }
        }
    }
}

/// A socket's place among the others, given up when the last who holds it drops it.
pub(crate) struct Place {
    sockets: Arc<Sockets>,
    /// Whom it is counted for: behind proxies, whose request came last.
    address: Mutex<Option<IpAddr>>,
}

impl Place {
    /// Counts the socket for a client's address and no longer for another.
    pub(crate) fn count_for(&self, address: IpAddr) -> Result<(), Full> {
        let address = address_key(address);
        let mut of = self.address.lock().unwrap_or_else(PoisonError::into_inner);
        if *of == Some(address) {
            return Ok(());
        }
        let mut open = self.sockets.open();
        if open
            .of
            .get(&address)
            .is_some_and(|count| *count >= self.sockets.per_address)
        {
            return Err(Full::Address.count());
        }
        *open.of.entry(address).or_default() += 1;
        if let Some(before) = of.replace(address) {
            open.leave(before);
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let of = self
            .address
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let mut open = self.sockets.open();
        open.all -= 1;
        metrics::gauge!("tidings_sockets").set(open.all as f64);
        if let Some(address) = of {
            open.leave(address);
        }
    }
}

/// A socket with its place. Writing to it fails when the client has taken nothing for too long, or too little for longer: until it has all,
/// an answer holds memory that others wait for.
pub(crate) struct Socket {
    stream: TcpStream,
    place: Arc<Place>,
    patience: Patience,
    /// Runs while a write waits, since then.
    stalled: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// For how long writes may still wait: each wait takes of it, and each byte that is taken gives some back.
#[derive(Clone, Copy, Debug)]
struct Patience {
    most: Duration,
    left: Duration,
}

impl Patience {
    fn new(most: Duration) -> Self {
        Self { most, left: most }
    }

    /// So many bytes were taken after such a wait.
    fn taken(&mut self, waited: Duration, bytes: usize) {
        let earned = Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / LEAST_RATE);
        let left = self.left.saturating_sub(waited).saturating_add(earned);
        self.left = left.min(self.most);
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream, place: Arc<Place>, patience: Duration) -> Self {
        Self {
            stream,
            place,
            patience: Patience::new(patience),
            stalled: None,
        }
    }

    /// The bare stream, and the place to hold for as long as it is open.
    pub(crate) fn into_parts(self) -> (TcpStream, Arc<Place>) {
        (self.stream, self.place)
    }

    fn written(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            let stalled = self.stalled.take();
            let waited = stalled.map_or(Duration::ZERO, |(since, _)| since.elapsed());
            self.patience.taken(waited, *bytes);
        }
        if written.is_ready() {
            return written;
        }
        let left = self.patience.left;
        let (_, stalled) = self
            .stalled
            .get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_less_than_the_least_rate_has_no_patience_left_in_the_end() {
        let second = Duration::from_secs(1);
        let (mut slow, mut fast) = (Patience::new(20 * second), Patience::new(20 * second));
        for _ in 0..60 {
            slow.taken(second, 2 << 10);
            fast.taken(second, 5 << 10);
        }
        assert_eq!((slow.left, fast.left), (second / 2, 20 * second));
        // What was taken long ago is worth no more than the whole.
        fast.taken(30 * second, 0);
        assert_eq!(fast.left, Duration::ZERO);
    }

    #[test]
    fn a_place_is_counted_for_one_address_at_a_time_and_given_up() {
        let sockets = Sockets::new(3, 1);
        let (one, two) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let first = Sockets::enter(&sockets).unwrap();
        let second = Sockets::enter(&sockets).unwrap();
        assert_eq!(first.count_for(one), Ok(()));
        assert_eq!(first.count_for(one), Ok(()));
        assert_eq!(second.count_for(one), Err(Full::Address));
        assert_eq!(first.count_for(two), Ok(()));
        assert_eq!(second.count_for(one), Ok(()));
        let _third = Sockets::enter(&sockets).unwrap();
        assert_eq!(Sockets::enter(&sockets).err(), Some(Full::Node));
        drop(first);
        let last = Sockets::enter(&sockets).unwrap();
        assert_eq!(last.count_for(two), Ok(()));
        drop((second, last));
        assert!(sockets.open().of.is_empty());
    }
}
