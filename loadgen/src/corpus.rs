//! A chat log through real sockets: every person an account, one group of all, and a direct conversation for
//! each pair who often address each other.

mod amend;
mod block;
mod chat;
mod contact;
mod counts;
mod due;
mod fates;
mod forwards;
mod history;
mod house;
mod joining;
mod listen;
mod manner;
mod moderation;
mod own;
mod pair;
mod pen;
mod people;
mod person;
mod plan;
mod report;
mod schedule;
mod shared;
mod shut;
mod slow;
mod synthetic;
mod told;
mod verify;
mod words;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use tidings_ceilings::raise_file_limit;
use tidings_stand::{Api, Operator, find_program};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};

use fates::Fates;
use manner::{Manner, Manners};
use people::People;
use person::{How, Job};
use plan::{Message, Plan, Target};
use schedule::{Move, OWNER, Schedule};
use shared::{Shared, bar};

/// How many messages a made-up log has unless told otherwise.
const SYNTHETIC_MESSAGES: usize = 5000;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A chat log: one JSON object {"ts","user","text"} a line, plain or gzip. Without it a log is made up.
    file: Option<PathBuf>,
    /// Addresses of the nodes; people are spread over them.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: Vec<String>,
    /// Messages a second; without it as fast as acks allow.
    #[arg(long)]
    rate: Option<f64>,
    /// Only the first messages of the log.
    #[arg(long)]
    limit: Option<usize>,
    /// The share of people who are away at a time.
    #[arg(long, default_value_t = 0.1)]
    offline_share: f64,
    /// For who leaves when, what befalls whom, and for the made-up log.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many messages may wait for their acks, over all people; each person has one at a time.
    #[arg(long, default_value_t = 128)]
    window: usize,
    /// Where the journals, and the log as members fetched it, are kept; without it they are gone at the end. Then
    /// `tidings-loadgen check` finds what this command found.
    #[arg(long)]
    journals: Option<PathBuf>,
    /// The nodes' database. With it the `tidings` program beside this one, or that of the variable `TIDINGS_BIN`, makes somebody a moderator, and what
    /// is said is reported, withheld and shown again.
    #[arg(long)]
    database_url: Option<String>,
}

/// Runs the workload and all checks; the error is the first counter-example, or what kept it from running.
pub(crate) async fn run(args: Args) -> Result<()> {
    let lines = match &args.file {
        Some(file) => chat::read_log(file, args.limit.unwrap_or(usize::MAX))?,
        None => synthetic::make_log(args.limit.unwrap_or(SYNTHETIC_MESSAGES), args.seed),
    };
    let plan = Plan::of(lines);
    if plan.messages.is_empty() {
        bail!("the log holds no messages");
    }
    let nodes: Vec<Api> = args.url.iter().map(|url| Api::new(url)).collect::<Result<_>>()?;
    let gone = tempfile::tempdir()?;
    let journals = args.journals.clone().unwrap_or_else(|| gone.path().to_owned());
    std::fs::create_dir_all(&journals).with_context(|| format!("cannot make {}", journals.display()))?;
    raise_file_limit()?;
    let shared = Arc::new(Shared::new(args.window, journals));
    let mut schedule = Schedule::new(
        plan.people.len(),
        plan.messages.len(),
        args.offline_share,
        args.seed,
    );

    let fates = Fates::of(&plan, args.seed);
    let operator = match &args.database_url {
        Some(url) => Some(Operator::new(find_program()?, url.clone())),
        None => None,
    };
    let mut people = People::gather(&plan, &nodes, operator.as_ref(), &shared).await?;
    people.open_conversations(&plan, &fates).await?;
    let started = Instant::now();
    let result = speak(&args, plan, fates, &mut people, &mut schedule, &shared).await;
    let took = started.elapsed();
    shared.sound()?;
    // A person who stopped knows better why than who could not give them more to do.
    let run = people.finish().await?;
    result?;
    shared.sound()?;
    let verified = verify::verify(run, &mut schedule, args.seed, &shared).await;
    report::print(&shared, &verified, took);
    if verified.outcome.is_err() && args.journals.is_none() {
        eprintln!("the journals are kept in {}", gone.keep().display());
    }
    verified.outcome.map(|_| ())
}

/// Has everybody say their lines, leave, come back and read.
async fn speak(
    args: &Args,
    plan: Plan,
    mut fates: Fates,
    people: &mut People,
    schedule: &mut Schedule,
    shared: &Arc<Shared>,
) -> Result<()> {
    let window = Arc::new(Semaphore::new(args.window.max(1)));
    let pause = args
        .rate
        .filter(|rate| *rate > 0.0)
        .map(|rate| Duration::from_secs_f64(1.0 / rate));
    let progress = bar("messages", plan.messages.len());
    let mut due = Instant::now();
    let mut manners = Manners::default();
    for (index, message) in plan.messages.into_iter().enumerate() {
        let Message {
            author,
            target,
            addressee,
            text,
        } = message;
        for step in schedule.before(index, author) {
            people.apply(step, index).await?;
        }
        for act in fates.before(index) {
            for person in act.doers() {
                if let Some(step) = schedule.call(person) {
                    people.apply(step, index).await?;
                }
            }
            people.carry_out(act).await?;
        }
        let manner = manners.next(author, target, addressee, plan.people.len());
        if let Some(pause) = pause {
            sleep_until(due).await;
            due += pause;
        }
        let permit = tokio::select! {
            permit = Arc::clone(&window).acquire_owned() => permit?,
            () = shared.failed() => return Ok(()),
        };
        let conversation = match target {
            Target::Group => people.group()?,
            Target::Pair(pair) => people.direct(pair)?,
        };
        people
            .give(
                author,
                Job::Say {
                    conversation,
                    text,
                    how: people.how(author, manner),
                    permit,
                },
            )
            .await?;
        progress.set_position(index as u64 + 1);
    }
    progress.finish_and_clear();
    Ok(())
}

impl People {
    /// The manner of a line of the author, with the people that it is about.
    fn how(&self, author: usize, manner: Manner) -> How {
        // Nobody can mention who is out.
        let other =
            |person: usize| (person != author && !self.was_shown_out(person)).then(|| self.user(person));
        let how = How::default();
        match manner {
            Manner::Plain => how,
            Manner::Everyone => How {
                everyone: true,
                ..how
            },
            Manner::WithFile => How { file: true, ..how },
            Manner::Naming(person) => How {
                mention: other(person),
                ..how
            },
            Manner::InThread { of, also, naming } => How {
                thread: Some((of.and_then(other), also)),
                mention: of.filter(|_| naming).and_then(other),
                ..how
            },
        }
    }

    /// `number` chooses between conversations.
    async fn apply(&self, step: Move, number: usize) -> Result<()> {
        let any = |person| self.any_of(person, number / 60);
        // Of what somebody tells in the end they hide nothing.
        let untold = |person| any(person).filter(|id| !self.tells(person, *id));
        match step {
            Move::Read(person) | Move::React(person) | Move::Follow(person) | Move::ReadThread(person)
                if self.was_shown_out(person) =>
            {
                Ok(())
            }
            Move::Leave(person) => self.give(person, Job::Leave).await,
            Move::Return(person, how) => self.give(person, Job::Return(how)).await,
            Move::Read(person) => self.give(person, Job::Read(self.group()?)).await,
            Move::Edit(person) => self.give(person, Job::Edit).await,
            Move::Recall(person) => self.give(person, Job::Recall).await,
            Move::React(person) => self.give(person, Job::React(self.group()?)).await,
            Move::Mute(person) => self.give_in(person, any(person), Job::Mute).await,
            Move::Forward(person) => {
                let to = self.any_of(person, number / 120);
                let both = any(person).zip(to);
                self.give_in(person, both, |(from, to)| Job::Forward(from, to))
                    .await
            }
            Move::Hide(person) => self.give_in(person, untold(person), Job::Hide).await,
            Move::Clear(person) => self.give_in(person, untold(person), Job::Clear).await,
            Move::Archive(person) => self.give_in(person, any(person), Job::Archive).await,
            Move::Mark(person) => self.give_in(person, any(person), Job::Mark).await,
            Move::Follow(person) => self.give(person, Job::Follow(self.group()?)).await,
            Move::ReadThread(person) => self.give(person, Job::ReadThread(self.group()?)).await,
            Move::Pin => self.give(OWNER, Job::Pin(self.group()?)).await,
        }
        .context("a person stopped")
    }

    /// Gives somebody something to do in a conversation, or in two, where they are in any.
    async fn give_in<T>(&self, person: usize, place: Option<T>, job: impl FnOnce(T) -> Job) -> Result<()> {
        match place {
            Some(place) => self.give(person, job(place)).await,
            None => Ok(()),
        }
    }
}
