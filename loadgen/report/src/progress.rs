//! How far a workload has come.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// A bar on the terminal, or a line every few seconds where standard error is no terminal. Dropping it removes the bar.
pub struct Progress {
    bar: ProgressBar,
    /// When the last line was written.
    line: Mutex<Option<Instant>>,
}

impl Progress {
    /// Begins something that takes this many steps.
    pub fn new(workload: &str, steps: u64) -> Self {
        let bar = ProgressBar::new(steps);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {elapsed} {wide_msg}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(workload.to_owned());
        bar.enable_steady_tick(Duration::from_millis(250));
        Self {
            bar,
            line: Mutex::default(),
        }
    }

    /// Begins the next step.
    pub fn step(&self, message: &str) {
        self.bar.set_message(message.to_owned());
        self.bar.inc(1);
        if !self.bar.is_hidden() {
            return;
        }
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if line.is_none_or(|at| at.elapsed() >= LINE_EVERY) {
            *line = Some(Instant::now());
            let (step, steps) = (self.bar.position(), self.bar.length().unwrap_or(0));
            eprintln!(
                "{} {step}/{steps}, {} s: {message}",
                self.bar.prefix(),
                self.bar.elapsed().as_secs()
            );
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
