//! All people of a run: their accounts, connections and conversations.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::{Context as _, Result, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tidings_client::CommandError;
use tidings_protocol::{Ack, Action, Limits, Position, Timestamp};
use tidings_scribe::said::Said;
use tidings_stand::{Account, Api, Operator};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use uuid::Uuid;

use super::{
    fates::{Entry, Fates},
    moderation::Moderation,
    pair::Pairs,
    person::{Job, Person},
    plan::Plan,
    schedule::{OWNER, Return},
    shared::{Shared, bar},
};

/// Registrations at a time. The server hashes passwords, so more would only wait.
const REGISTRATIONS_MAX: usize = 4;

/// Connections being opened at a time.
const CONNECTIONS_MAX: usize = 32;

/// Jobs that may wait for one person.
const JOBS_MAX: usize = 16;

/// People at work.
pub(crate) struct People {
    pub(super) jobs: Vec<mpsc::Sender<Job>>,
    workers: JoinSet<Result<(usize, Person)>>,
    accounts: Vec<Account>,
    limits: Limits,
    /// The group of all is the first.
    conversations: Vec<Conversation>,
    /// When the group was made, by the server's clock.
    pub(super) began: Option<Timestamp>,
    /// Who has come into the group by an invitation, at any time.
    pub(super) invited: BTreeSet<usize>,
    /// Who asks to be let in and has no answer, and whoever was refused.
    pub(super) asking: BTreeSet<usize>,
    pub(super) turned_away: BTreeSet<usize>,
    /// How many seconds ordinary members wait between two messages to the group, and who is an admin of it.
    pub(super) slow_s: u32,
    pub(super) admin: Option<usize>,
    /// What people are to one another, and where the last of it stands in each lane.
    pub(super) pairs: Pairs,
    pub(super) tied_at: BTreeMap<u16, Position>,
    /// Who looks after what is reported, if anybody does.
    pub(super) moderation: Option<Moderation>,
    pub(super) shared: Arc<Shared>,
}

/// A conversation and the indexes of its members.
pub(crate) struct Conversation {
    pub(crate) id: Uuid,
    pub(crate) members: Vec<usize>,
    /// Who is no member any more, with the seq up to which they are told of it.
    pub(crate) left: BTreeMap<usize, u64>,
}

impl Conversation {
    /// A member of the group who is not its owner.
    pub(super) fn ordinary(&self) -> Option<usize> {
        let mut members = self.members.iter().copied();
        members.find(|person| *person != OWNER)
    }
}

/// People after their work, still connected.
pub(crate) struct Run {
    pub(crate) people: Vec<Person>,
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) invited: BTreeSet<usize>,
    pub(crate) asking: BTreeSet<usize>,
    pub(crate) slow_s: u32,
    pub(crate) pairs: Pairs,
    pub(crate) tied_at: BTreeMap<u16, Position>,
    pub(crate) moderation: Option<Moderation>,
}

impl People {
    /// Registers and connects everybody. Where there is an operator, they make somebody a moderator.
    pub(crate) async fn gather(
        plan: &Plan,
        nodes: &[Api],
        operator: Option<&Operator>,
        shared: &Arc<Shared>,
    ) -> Result<Self> {
        // Names must be new on a server that has seen this log before.
        let run = format!("{:08x}", rand::random::<u32>());
        let progress = bar("accounts", plan.people.len());
        let register = |index: usize| {
            let (progress, run) = (progress.clone(), &run);
            async move {
                let name = &plan.people[index];
                let node = &nodes[index % nodes.len()];
                let account = node.register(&username(name, index, run)).await?;
                // Its own node first, the others when that one fails.
                let urls = (0..nodes.len()).map(|other| nodes[(index + other) % nodes.len()].socket_url());
                progress.inc(1);
                anyhow::Ok(Person::new(
                    name.clone(),
                    account,
                    urls.collect(),
                    Arc::clone(shared),
                ))
            }
        };
        let people: Vec<Person> = stream::iter(0..plan.people.len())
            .map(register)
            .buffered(REGISTRATIONS_MAX)
            .try_collect()
            .await?;
        progress.finish_and_clear();

        let connect = |mut person: Person| async move {
            person
                .come(Return::NewDevice)
                .await
                .with_context(|| format!("{} cannot connect", person.name))?;
            anyhow::Ok(person)
        };
        let people: Vec<Person> = stream::iter(people)
            .map(connect)
            .buffered(CONNECTIONS_MAX)
            .try_collect()
            .await?;
        shared.sound()?;

        let accounts = people.iter().map(|person| person.account.clone()).collect();
        let limits = people
            .first()
            .and_then(Person::limits)
            .context("the server did not say its limits")?;
        let moderation = match (operator, nodes.first()) {
            (Some(operator), Some(node)) => Some(Moderation::begin(operator, node, shared).await?),
            _ => None,
        };
        let mut workers = JoinSet::new();
        let mut jobs = Vec::new();
        for (index, person) in people.into_iter().enumerate() {
            let (sender, receiver) = mpsc::channel(JOBS_MAX);
            jobs.push(sender);
            workers.spawn(async move { Ok((index, person.work(receiver).await?)) });
        }
        Ok(Self {
            jobs,
            workers,
            accounts,
            limits,
            conversations: Vec::new(),
            began: None,
            invited: BTreeSet::new(),
            asking: BTreeSet::new(),
            turned_away: BTreeSet::new(),
            slow_s: 0,
            admin: None,
            pairs: Pairs::default(),
            tied_at: BTreeMap::new(),
            moderation,
            shared: Arc::clone(shared),
        })
    }

    /// Makes the group of all, into which some come by a link or an invitation or because they ask, and the direct conversation of each pair.
    pub(crate) async fn open_conversations(&mut self, plan: &Plan, fates: &Fates) -> Result<()> {
        if let Some(most) = self
            .limits
            .group_members
            .filter(|most| (*most as usize) < self.accounts.len())
        {
            bail!(
                "a group of this server holds {most} people, and the log has {}",
                self.accounts.len()
            );
        }
        // An id takes 39 bytes of JSON.
        let fitting = (self.limits.frame_bytes as usize).saturating_sub(512) / 39;
        let most = self
            .limits
            .group_create_members
            .map_or(fitting, |most| fitting.min(most as usize));
        let comes = |entry: Entry| -> Vec<usize> {
            let others = 1..self.accounts.len();
            others.filter(|person| fates.entry(*person) == entry).collect()
        };
        let entries = [Entry::Added, Entry::ByLink, Entry::Invited, Entry::Asked];
        let [added, by_link, invited, asking] = entries.map(comes);
        let others: Vec<Uuid> = added.iter().map(|person| self.user(*person)).collect();
        let (first, later) = others.split_at(others.len().min(most.saturating_sub(1)));
        let created = self.act(
            0,
            Action::GroupCreate {
                name: "everybody".into(),
                members: first.into(),
            },
        );
        let Ack {
            conversation: id, at, ..
        } = created.await.context("the group was not made")?;
        let members: Vec<_> = (0..self.accounts.len()).collect();
        for user in later {
            let added = self.act(
                0,
                Action::GroupAdd {
                    conversation: id,
                    user: *user,
                },
            );
            added.await.context("a member was not added")?;
        }
        self.began = Some(at);
        self.conversations.push(Conversation {
            id,
            members,
            left: BTreeMap::new(),
        });
        self.let_in(&by_link, &invited).await?;
        self.let_in_who_ask(&asking, added.first().copied()).await?;
        for (one, other) in &plan.pairs {
            let opened = self.act(
                *one,
                Action::DirectOpen {
                    user: self.user(*other),
                },
            );
            let id = opened
                .await
                .context("a direct conversation was not opened")?
                .conversation;
            self.conversations.push(Conversation {
                id,
                members: vec![*one, *other],
                left: BTreeMap::new(),
            });
        }
        Ok(())
    }

    pub(crate) fn group(&self) -> Result<Uuid> {
        Ok(self.conversations.first().context("no group yet")?.id)
    }

    pub(super) fn group_mut(&mut self) -> Result<&mut Conversation> {
        self.conversations.first_mut().context("no group yet")
    }

    /// A member of the group who is not its owner, unless there is no other.
    pub(super) fn ordinary(&self) -> Result<usize> {
        let group = self.conversations.first().context("no group yet")?;
        Ok(group.ordinary().unwrap_or(OWNER))
    }

    /// Whether somebody was shown out of the group, and is not back.
    pub(crate) fn was_shown_out(&self, person: usize) -> bool {
        let group = self.conversations.first();
        group.is_some_and(|group| group.left.contains_key(&person))
    }

    /// The conversation of a pair of the plan.
    pub(crate) fn direct(&self, pair: usize) -> Result<Uuid> {
        Ok(self.conversations.get(pair + 1).context("no such pair")?.id)
    }

    /// The conversation of two people alone.
    pub(crate) fn between(&self, one: usize, other: usize) -> Option<Uuid> {
        let mut directs = self.conversations.iter().skip(1);
        let direct = directs.find(|direct| direct.members.contains(&one) && direct.members.contains(&other));
        direct.map(|direct| direct.id)
    }

    /// One of the conversations that a person is in; the group for some of the numbers, and for all where there is no other. None where they
    /// are in none any more.
    pub(crate) fn any_of(&self, person: usize, number: usize) -> Option<Uuid> {
        let own = self.conversations.iter();
        let own: Vec<Uuid> = own
            .filter(|conversation| conversation.members.contains(&person))
            .map(|conversation| conversation.id)
            .collect();
        own.get(number % own.len().max(1)).copied()
    }

    /// Whether the person fetches the log of this conversation in the end, which has all of it only for somebody who hides nothing there.
    pub(crate) fn tells(&self, person: usize, conversation: Uuid) -> bool {
        let mut told = self.conversations.iter();
        told.any(|told| told.id == conversation && told.members.first() == Some(&person))
    }

    pub(crate) fn user(&self, person: usize) -> Uuid {
        self.accounts[person].user
    }

    /// Who has this account.
    pub(super) fn person(&self, user: Uuid) -> Option<usize> {
        self.accounts.iter().position(|account| account.user == user)
    }

    pub(super) fn account(&self, person: usize) -> &Account {
        &self.accounts[person]
    }

    /// Gives a person something to do; waits while there is too much of it.
    pub(crate) async fn give(&self, person: usize, job: Job) -> Result<()> {
        self.jobs[person]
            .send(job)
            .await
            .map_err(|_| anyhow::anyhow!("person {person} has stopped"))
    }

    /// Waits until everybody has done everything.
    pub(crate) async fn finish(mut self) -> Result<Run> {
        self.jobs.clear();
        let mut people: Vec<(usize, Person)> = Vec::new();
        while let Some(worked) = self.workers.join_next().await {
            people.push(worked??);
        }
        people.sort_by_key(|(index, _)| *index);
        let people = people.into_iter().map(|(_, person)| person).collect();
        Ok(Run {
            people,
            conversations: self.conversations,
            invited: self.invited,
            asking: self.asking,
            slow_s: self.slow_s,
            pairs: self.pairs,
            tied_at: self.tied_at,
            moderation: self.moderation,
        })
    }

    pub(super) async fn act(&self, person: usize, action: Action) -> Result<Ack> {
        let said = Said::change(self.user(person), Uuid::nil(), action);
        self.make(person, said.context("no change of a conversation")?)
            .await
    }

    /// Has somebody do what makes an event, and waits for the ack.
    pub(super) async fn make(&self, person: usize, said: Said) -> Result<Ack> {
        let (answer, answered) = oneshot::channel();
        self.give(person, Job::Do(said, answer)).await?;
        Ok(answered.await??)
    }

    /// Has somebody do what leaves nothing in any conversation; what comes back brings the answer.
    pub(super) async fn want(
        &self,
        person: usize,
        action: Action,
    ) -> Result<oneshot::Receiver<Result<Ack, CommandError>>> {
        let (answer, answered) = oneshot::channel();
        self.give(person, Job::Want(action, answer)).await?;
        Ok(answered)
    }
}

/// A name of at most 30 characters that nobody else has.
fn username(name: &str, index: usize, run: &str) -> String {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(14)
        .collect();
    format!("{}-{index}-{run}", plain.to_lowercase())
}
