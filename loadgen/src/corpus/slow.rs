//! Slow mode: when the group is in it, whom it keeps from what, and what the log has to show of it.

use std::{
    collections::HashMap,
    ops::{AddAssign, Range},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::json;
use tidings_protocol::{Action, ErrorCode, Event, EventData, Position, Role};
use tidings_stand::Account;
use uuid::Uuid;

use super::{
    people::Run,
    plan::{Plan, Target},
    schedule::OWNER,
    shared::Shared,
    shut::Refusal,
};

/// So many seconds last beyond the run: whoever has said one thing says no more.
pub(crate) const HOURS_S: u32 = 21_600;

/// So few are waited for, as clients do by themselves.
pub(crate) const BRIEF_S: u32 = 1;

/// What somebody is refused who has said something is said so for longer than a client waits.
const PATIENCE_S: u32 = 60;

/// A log of fewer lines is too short for it.
const LINES_MIN: usize = 120;

/// How many lines are said at most while it lasts for hours, and how many in the end while it is brief.
const HOURS_LINES_MAX: usize = 150;
const BRIEF_LINES: usize = 24;

/// How far clocks of nodes and of the log may be apart.
const SKEW_MS: i64 = 500;

const SETTINGS: &str = "query($id: ID!) { conversation(id: $id) { settings { slowSeconds join } } }";

/// Before which lines the group is in slow mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretches {
    /// For hours.
    pub(crate) hours: Range<usize>,
    /// Briefly, from here to the end.
    pub(crate) brief: usize,
    /// Who is an admin while it lasts for hours, and waits for nothing.
    pub(crate) admin: Option<usize>,
}

impl Stretches {
    /// None of a log that is too short. Nothing else befalls those who are spared.
    pub(crate) fn of(plan: &Plan, spared: &[usize]) -> Option<Self> {
        let many = plan.messages.len();
        if many < LINES_MIN {
            return None;
        }
        let from = many * 3 / 5;
        let hours = from..from + (many / 6).min(HOURS_LINES_MAX);
        let says = |person: usize| {
            let lines = plan.messages[hours.clone()].iter();
            let own = lines.filter(|line| line.author == person && line.target == Target::Group);
            own.count()
        };
        // Who says less would not have had to wait.
        let talks = spared.iter().copied().filter(|person| says(*person) > 1);
        let admin = talks.max_by_key(|person| says(*person));
        Some(Self {
            hours,
            brief: many - BRIEF_LINES,
            admin,
        })
    }
}

/// How slow mode keeps somebody in a conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slow {
    seconds: u32,
    has_spoken: bool,
}

impl Slow {
    pub(crate) fn new(seconds: u32) -> Self {
        Self {
            seconds,
            has_spoken: false,
        }
    }

    /// They have said something.
    pub(crate) fn speaks(&mut self) {
        self.has_spoken = true;
    }

    /// How a command to the conversation is refused, if it is for longer than their client waits. Only messages have to wait.
    pub(crate) fn refuses(self, action: &Action) -> Option<Refusal> {
        let waits = self.has_spoken && self.seconds > PATIENCE_S;
        let says = matches!(action, Action::MessageSend(_));
        (waits && says).then(|| {
            let most = Duration::from_secs(self.seconds.into());
            Refusal::new(ErrorCode::RateLimited, Some("conversation")).lasting(most)
        })
    }
}

/// What was said in slow mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Paced {
    pub(crate) messages: usize,
    /// Between two messages of one sender.
    pub(crate) pauses: usize,
}

impl AddAssign for Paced {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.pauses += other.pauses;
    }
}

/// Compares a conversation's log with what slow mode promises: between two messages of an ordinary member lies the pause, and such messages
/// say so, and no others.
pub(crate) fn compare(events: &[Event]) -> Result<Paced> {
    let mut paced = Paced::default();
    let mut seconds = 0;
    let mut roles: HashMap<Uuid, Role> = HashMap::new();
    let mut last: HashMap<Uuid, i64> = HashMap::new();
    for event in events {
        let sent = match event.decode() {
            EventData::GroupCreated(created) => {
                let members = created.members.into_iter().map(|user| (user, Role::Member));
                roles.extend(members.chain([(created.owner, Role::Owner)]));
                continue;
            }
            EventData::MemberAdded(added) => {
                roles.insert(added.user, added.role);
                continue;
            }
            EventData::RoleChanged(changed) => {
                roles.insert(changed.user, changed.role);
                continue;
            }
            EventData::GroupSettingsChanged(changed) => {
                seconds = changed.settings.slow_s.unwrap_or(seconds);
                if seconds == 0 {
                    last.clear();
                }
                continue;
            }
            EventData::MessageSent(sent) => sent,
            _ => continue,
        };
        let (seq, sender) = (event.seq, event.actor);
        let waits = seconds > 0 && roles.get(&sender) == Some(&Role::Member);
        ensure!(
            sent.slow == waits.then_some(sender),
            "seq {seq} of {} says that {:?} waits for it; that should be so of its sender: {waits}",
            event.conversation,
            sent.slow
        );
        if !waits {
            continue;
        }
        paced.messages += 1;
        let at = event.at.millis();
        if let Some(before) = last.insert(sender, at) {
            paced.pauses += 1;
            ensure!(
                at - before + SKEW_MS >= i64::from(seconds) * 1000,
                "seq {seq} of {} came {} ms behind the message of {sender} before it, and members wait {seconds} s",
                event.conversation,
                at - before
            );
        }
    }
    Ok(paced)
}

/// A group as GraphQL shows it to its members.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    slow_seconds: u32,
    join: String,
}

/// Makes sure that somebody is shown how long members wait in a group, which wants to be asked by those who come in.
pub(crate) async fn is_shown(
    member: &Account,
    group: Uuid,
    seconds: u32,
    after: Option<Position>,
) -> Result<()> {
    let told = member.query(SETTINGS, &json!({ "id": group }), after).await?;
    let told = told.pointer("/conversation/settings").cloned();
    let told: Shown = serde_json::from_value(told.unwrap_or_default())?;
    let due = Shown {
        slow_seconds: seconds,
        join: "REQUEST".to_owned(),
    };
    ensure!(
        told == due,
        "the settings of the group are {told:?}; they should be {due:?}"
    );
    Ok(())
}

/// Compares what a member is shown in the end.
pub(crate) async fn look(run: &Run, shared: &Shared) -> Result<()> {
    let group = run.conversations.first().context("no group")?;
    let member = group.ordinary().unwrap_or(OWNER);
    let account = &run.people[member].account;
    is_shown(account, group.id, run.slow_s, shared.position(group.id)).await
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use tidings_protocol::{Content, MessageSend, Timestamp};

    use super::*;
    use crate::corpus::synthetic::make_log;

    const ANN: Uuid = Uuid::from_u128(1);
    const BEN: Uuid = Uuid::from_u128(2);
    const ROOM: Uuid = Uuid::from_u128(3);

    /// A log: who did what, at which millisecond.
    fn log(events: &[(Uuid, i64, &str, Value)]) -> Vec<Event> {
        let event = |(seq, (actor, millis, kind, data)): (u64, &(Uuid, i64, &str, Value))| {
            let at = Timestamp::from_millis(*millis).unwrap();
            let event = json!({
                "type": "event", "conversation": ROOM, "seq": seq, "kind": kind, "actor": actor, "at": at, "data": data,
            });
            // The data of an event is read from text alone.
            serde_json::from_str(&event.to_string()).unwrap()
        };
        (1..).zip(events).map(event).collect()
    }

    fn created() -> (Uuid, i64, &'static str, Value) {
        let data = json!({ "name": "room", "owner": ANN, "members": [ANN, BEN] });
        (ANN, 0, "group.created", data)
    }

    fn slow(at: i64, seconds: u32) -> (Uuid, i64, &'static str, Value) {
        let data = json!({ "settings": { "slow_s": seconds } });
        (ANN, at, "group.settings_changed", data)
    }

    fn says(sender: Uuid, at: i64, slow: bool) -> (Uuid, i64, &'static str, Value) {
        let content = json!({ "kind": "text", "text": "a" });
        let slow = slow.then_some(sender);
        let data = json!({ "message": Uuid::from_u128(100 + at as u128), "content": content, "slow": slow });
        (sender, at, "message.sent", data)
    }

    #[test]
    fn messages_of_ordinary_members_lie_as_far_apart_as_slow_mode_wants_it_and_say_so() {
        let right = [
            created(),
            says(BEN, 10, false),
            slow(20, 2),
            says(BEN, 30, true),
            says(ANN, 40, false),
            says(ANN, 50, false),
            says(BEN, 2030, true),
            slow(2040, 0),
            says(BEN, 2050, false),
        ];
        let paced = compare(&log(&right)).unwrap();
        assert_eq!((paced.messages, paced.pauses), (2, 1));
        let wrong = |place: usize, event| {
            let mut events = right.clone();
            events[place] = event;
            compare(&log(&events)).is_err()
        };
        assert!(wrong(6, says(BEN, 1000, true)), "too soon");
        assert!(wrong(6, says(BEN, 2030, false)), "it does not say so");
        assert!(wrong(4, says(ANN, 40, true)), "the owner waits for nothing");
        assert!(wrong(1, says(BEN, 10, true)), "it has not begun");
        assert!(wrong(8, says(BEN, 2050, true)), "it is over");
    }

    #[test]
    fn whoever_is_an_admin_waits_for_nothing_as_long_as_they_are() {
        let role = |at, role: &str| {
            let data = json!({ "user": BEN, "role": role });
            (ANN, at, "role.changed", data)
        };
        let log = log(&[
            created(),
            role(10, "admin"),
            slow(20, 60),
            says(BEN, 30, false),
            says(BEN, 40, false),
            role(50, "member"),
            says(BEN, 60, true),
        ]);
        assert_eq!(compare(&log).unwrap().messages, 1);
        assert!(compare(&[&log[..], &log[6..]].concat()).is_err());
    }

    #[test]
    fn whoever_has_said_something_is_refused_another_message_and_nothing_else() {
        let says = Action::MessageSend(MessageSend::new(ROOM, Content::text("a")));
        let recalls = Action::MessageRecall {
            conversation: ROOM,
            message: ANN,
        };
        let mut slow = Slow::new(HOURS_S);
        assert_eq!(slow.refuses(&says), None);
        slow.speaks();
        let refusal = slow.refuses(&says).unwrap();
        assert_eq!(
            (refusal.code, refusal.lasts),
            (ErrorCode::RateLimited, Some(Duration::from_hours(6)))
        );
        assert_eq!(slow.refuses(&recalls), None);
        let mut brief = Slow::new(BRIEF_S);
        brief.speaks();
        assert_eq!(brief.refuses(&says), None, "which is waited for");
    }

    #[test]
    fn in_slow_mode_somebody_says_more_than_one_thing_and_so_does_an_admin() {
        let plan = Plan::of(make_log(5000, 7));
        let spared: Vec<usize> = (5..plan.people.len()).collect();
        let stretches = Stretches::of(&plan, &spared).unwrap();
        assert!(stretches.hours.end < stretches.brief && stretches.brief < plan.messages.len());
        let says = |person: usize| {
            let lines = plan.messages[stretches.hours.clone()].iter();
            let own = lines.filter(|line| line.author == person && line.target == Target::Group);
            own.count()
        };
        let admin = stretches.admin.unwrap();
        assert!(admin >= 5 && says(admin) > 1);
        assert!((1..plan.people.len()).any(|person| person != admin && says(person) > 1));
        assert_eq!(Stretches::of(&plan, &[]).unwrap().admin, None);
        let short = Plan::of(make_log(LINES_MIN - 1, 7));
        assert_eq!(Stretches::of(&short, &spared), None);
    }
}
