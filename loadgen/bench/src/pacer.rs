//! Sends on time: a thread of its own, because timers of the runtime are a millisecond coarse.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

/// The kernel wakes a sleeper about so late; the rest of the wait is spun.
const SPIN: Duration = Duration::from_micros(80);

/// Tells when something is due, with the moment at which it was to happen. Dropping it ends the thread.
pub struct Pacer {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Pacer {
    /// Begins to call `rate` times a second, for `length`; each of `turns` gets every n-th call. A turn that is full is
    /// waited for, and the calls meanwhile come late, which their moments show.
    pub fn start(rate: f64, length: Duration, turns: Vec<mpsc::Sender<Instant>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let start = Instant::now();
            let count = (rate * length.as_secs_f64()) as u64;
            for (number, turn) in (0..count).zip(turns.iter().cycle()) {
                let due = start + Duration::from_secs_f64(number as f64 / rate);
                while let left @ Duration { .. } = due.saturating_duration_since(Instant::now())
                    && !left.is_zero()
                {
                    if left > SPIN {
                        thread::sleep(left.saturating_sub(SPIN));
                    } else {
                        std::hint::spin_loop();
                    }
                }
                if stopped.load(Ordering::Relaxed) || turn.blocking_send(due).is_err() {
                    return;
                }
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The receivers go with the workload, so the thread may still wait for one; it ends when they have gone.
        drop(self.thread.take());
    }
}
