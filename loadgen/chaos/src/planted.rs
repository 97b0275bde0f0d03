//! Whether faults are found that are known to be there: each is planted in the nodes of ten seeds at most that give it an
//! occasion, and must be found by the name of a rule that it breaks.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use tidings_journal::Fault as Rule;

use crate::company::Scene;
use crate::fault::Fault;
use crate::plan::{Plan, Step};
use crate::run::play_with;

/// Seeds within which a fault is found.
const SEEDS: usize = 10;

/// A fault that the server can have.
pub struct Planted {
    /// As the server knows it; see `src/planted.rs` there.
    pub name: &'static str,
    /// The rules that it breaks. One of them is enough.
    pub rules: &'static [Rule],
}

/// All of them.
pub const PLANTED: [Planted; 18] = [
    Planted {
        name: "hole",
        rules: &[Rule::Hole],
    },
    Planted {
        name: "repeat",
        rules: &[Rule::ShownAgain],
    },
    Planted {
        name: "reorder",
        rules: &[Rule::Hole, Rule::ShownAgain],
    },
    Planted {
        name: "reads-on",
        rules: &[Rule::ShownToStranger],
    },
    Planted {
        name: "unrecalled",
        rules: &[Rule::ShownRecalled],
    },
    Planted {
        name: "unwithheld",
        rules: &[Rule::ShownRecalled],
    },
    Planted {
        name: "unvouched",
        rules: &[
            Rule::CaughtUpShort,
            Rule::LateBeginning,
            Rule::NotShown,
            Rule::Withheld,
        ],
    },
    Planted {
        name: "unproved",
        rules: &[Rule::LateBeginning, Rule::Withheld],
    },
    Planted {
        name: "late",
        rules: &[Rule::LateBeginning],
    },
    Planted {
        name: "deaf",
        rules: &[Rule::Deaf, Rule::NotShown],
    },
    Planted {
        name: "short",
        rules: &[Rule::CaughtUpShort, Rule::Hole],
    },
    Planted {
        name: "needless-gap",
        rules: &[Rule::NeedlessGap],
    },
    Planted {
        name: "fetch-hole",
        rules: &[Rule::FetchHole],
    },
    Planted {
        name: "lost",
        rules: &[Rule::Lost],
    },
    Planted {
        name: "misplaced",
        rules: &[Rule::Misplaced],
    },
    Planted {
        name: "receipt-back",
        rules: &[Rule::ReceiptBack],
    },
    Planted {
        name: "unread",
        rules: &[Rule::Unread],
    },
    Planted {
        name: "time-line",
        rules: &[Rule::ShownOther, Rule::Hole, Rule::ShownAgain],
    },
];

/// Whether a schedule gives the fault an occasion; others are passed over. That the log goes back is new only to nodes that run on, and messages are
/// withheld in one scene.
fn has_occasion(planted: &Planted, plan: &Plan) -> bool {
    let goes_back = |step: &Step| matches!(step.fault, Fault::Restore { stopped: false });
    match planted.name {
        "time-line" => plan.steps.iter().any(goes_back),
        "unwithheld" => Scene::of(plan.seed) == Scene::Reports,
        _ => true,
    }
}

/// Plays seeds until the fault is found; answers in which that was, and by which rule.
pub async fn find(
    planted: &Planted,
    length: Duration,
    program: &Path,
    keep: &Path,
) -> Result<Option<(u64, Rule)>> {
    let plans = (1..).map(|seed| Plan::new(seed, length));
    for plan in plans.filter(|plan| has_occasion(planted, plan)).take(SEEDS) {
        let seed = plan.seed;
        let keep = keep.join(planted.name);
        let outcome = Box::pin(play_with(Some(planted.name), &plan, program, &keep)).await?;
        let found = outcome.broken.iter().find(|rule| planted.rules.contains(rule));
        if let Some(rule) = found {
            return Ok(Some((seed, *rule)));
        }
        for problem in outcome.problems {
            println!(
                "  {}, seed {seed}: {}",
                planted.name,
                problem.replace('\n', "\n  ")
            );
        }
    }
    Ok(None)
}

/// Finds all, or those of these names. An error says which were not found.
pub(crate) async fn find_all(only: &[String], length: Duration, program: &Path, keep: &Path) -> Result<()> {
    let mut missed = Vec::new();
    let known = |name: &&String| !PLANTED.iter().any(|planted| planted.name == **name);
    if let Some(unknown) = only.iter().find(known) {
        bail!("nobody knows the fault {unknown}");
    }
    let wanted = |planted: &&Planted| only.is_empty() || only.iter().any(|name| name == planted.name);
    for planted in PLANTED.iter().filter(wanted) {
        if let Some((seed, rule)) = find(planted, length, program, keep).await? {
            println!("{}: found in seed {seed} as {rule}", planted.name);
        } else {
            println!("{}: NOT FOUND in {SEEDS} seeds", planted.name);
            missed.push(planted.name);
        }
    }
    if !missed.is_empty() {
        bail!("not found: {}", missed.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_stands_in_the_table_of_promises() {
        let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/promises.md");
        let table = std::fs::read_to_string(table).unwrap_or_default();
        for planted in &PLANTED {
            assert!(table.contains(&format!("`{}`", planted.name)), "{}", planted.name);
            for rule in planted.rules {
                assert!(table.contains(&format!("`{rule}`")), "{rule}");
            }
        }
    }
}
