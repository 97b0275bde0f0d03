//! What users and addresses have used of a rate at this node, one by one, and how that comes to the task that tells Redis.

use super::counted::{Counted, Terms};
use super::{Allowance, Class, Subject};
use crate::role::Role;
use lru::LruCache;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

/// Users and addresses of one rate that are remembered, some 10 MB; who did nothing for longest is forgotten first.
const REMEMBERED_MAX: usize = 50_000;

/// What one user or address has used of a rate at this node.
pub struct Share {
    subject: Subject,
    kind: Arc<Kind>,
    counted: Mutex<Counted>,
}

/// What all shares of a rate have in common.
struct Kind {
    class: Class,
    /// By which users have it who hold it; `None` where it is everybody's.
    role: Option<Role>,
    terms: Terms,
    /// To the task that tells Redis; without it, each node is alone.
    line: Option<mpsc::Sender<Arc<Share>>>,
}

impl Share {
    /// How long so many units have to wait, by what is known here of all nodes; `None` where they need not. Takes nothing.
    pub fn wait(&self, units: u32) -> Option<Duration> {
        let wait = self.counted().wait(self.kind.terms, units, Instant::now())?;
        metrics::counter!("tidings_rates_refused_total", "class" => self.kind.class.as_str()).increment(1);
        Some(wait)
    }

    /// Notes that so many units were used at this node. Where the line is full they are forgotten.
    pub fn used(self: &Arc<Self>, units: u32) {
        let Some(line) = &self.kind.line else { return };
        let comes_into_line = self.counted().used(self.kind.terms, units, Instant::now());
        if comes_into_line && line.try_send(Arc::clone(self)).is_err() {
            self.forget();
        }
    }

    /// What Redis is to be told of it: the time that earns what was used, and the most that may be owed. `None` where nothing was used
    /// since.
    pub(super) fn tell(&self) -> Option<(Duration, Duration)> {
        let used = self.counted().tell();
        (!used.is_zero()).then(|| (used, self.kind.terms.owed_max()))
    }

    /// What Redis says, which was asked at `asked`: in what time all is earned back.
    pub(super) fn heard(&self, rest: Duration, asked: Instant) {
        self.counted().heard(self.kind.terms, rest, asked);
    }

    /// Redis will not be told.
    pub(super) fn forget(&self) {
        self.counted().forget();
    }

    /// Where Redis counts it. The hash tag keeps a user's keys in one slot of a cluster.
    pub(super) fn key(&self, log: Uuid) -> String {
        let (subject, class) = (self.subject, self.kind.class.as_str());
        let key = format!("tidings:{}:{{r:{subject}}}:{class}", log.simple());
        match self.kind.role {
            None => key,
            // What it has used by one role earns itself back at the rate of that role.
            Some(role) => format!("{key}:{}", role.as_str()),
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The shares of one rate.
pub struct Shares {
    kind: Arc<Kind>,
    /// Least recently used first.
    known: Mutex<LruCache<Subject, Arc<Share>>>,
}

impl Shares {
    pub(super) fn new(
        class: Class,
        role: Option<Role>,
        allowance: Allowance,
        line: Option<mpsc::Sender<Arc<Share>>>,
    ) -> Self {
        let kind = Kind {
            class,
            role,
            terms: Terms::new(allowance.burst, allowance.period()),
            line,
        };
        Self {
            kind: Arc::new(kind),
            known: Mutex::new(LruCache::unbounded()),
        }
    }

    /// A share for whoever keeps it by themselves.
    pub fn make(&self, subject: Subject) -> Arc<Share> {
        Arc::new(Share {
            subject,
            kind: Arc::clone(&self.kind),
            counted: Mutex::new(Counted::new(Instant::now())),
        })
    }

    /// The share of a user or an address, which is remembered.
    pub fn of(&self, subject: Subject) -> Arc<Share> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let share = known.get_or_insert(subject, || self.make(subject));
        let share = Arc::clone(share);
        if known.len() > REMEMBERED_MAX {
            known.pop_lru();
        }
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: Subject = Subject::User(Uuid::nil());

    /// So many at once, and one more each second.
    fn shares(
        class: Class,
        role: Option<Role>,
        burst: u32,
        line: Option<mpsc::Sender<Arc<Share>>>,
    ) -> Shares {
        Shares::new(class, role, Allowance::per_second(1, burst), line)
    }

    #[test]
    fn a_line_that_is_full_keeps_nobody_waiting_and_nothing_grows() {
        let (line, mut told) = mpsc::channel(1);
        let shares = shares(Class::Send, None, 16, Some(line));
        let (first, second) = (shares.make(ADA), shares.make(ADA));
        for _ in 0..100 {
            first.used(16);
            second.used(16);
        }
        assert!(first.wait(1).is_some());
        assert_eq!(second.wait(1), None, "what it used was forgotten");
        let waiting = told.try_recv().unwrap();
        assert!(Arc::ptr_eq(&waiting, &first));
        assert!(told.try_recv().is_err());
        let (used, owed_max) = waiting.tell().unwrap();
        assert_eq!(used, owed_max);
        assert_eq!(waiting.tell(), None);
        second.used(16);
        assert!(Arc::ptr_eq(&told.try_recv().unwrap(), &second));
    }

    #[test]
    fn where_each_node_is_alone_nothing_is_counted() {
        let shares = shares(Class::Send, None, 1, None);
        for _ in 0..100 {
            shares.of(ADA).used(1);
        }
        assert_eq!(shares.of(ADA).wait(1), None);
    }

    #[test]
    fn keys_are_of_one_log_one_user_one_class_and_one_role() {
        let all = shares(Class::Upload, None, 1, None);
        let zeros = Uuid::nil().simple().to_string();
        let key = all.of(ADA).key(Uuid::nil());
        assert_eq!(key, format!("tidings:{zeros}:{{r:{zeros}}}:upload"));
        let address = Subject::address("2001:db8::1".parse().unwrap());
        let key = all.of(address).key(Uuid::nil());
        assert_eq!(key, format!("tidings:{zeros}:{{r:2001:db8::}}:upload"));
        let bots = shares(Class::Upload, Some(Role::Bot), 1, None);
        let key = bots.of(ADA).key(Uuid::nil());
        assert_eq!(key, format!("tidings:{zeros}:{{r:{zeros}}}:upload:bot"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let shares = shares(Class::Send, None, 1, None);
        for user in 0..REMEMBERED_MAX + 10 {
            shares.of(Subject::User(Uuid::from_u128(user as u128)));
        }
        assert_eq!(shares.known.lock().unwrap().len(), REMEMBERED_MAX);
    }
}
