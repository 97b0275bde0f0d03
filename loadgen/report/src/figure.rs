//! One measured value in each round, beside what bounds it and what it should be.

use serde::{Deserialize, Serialize};

use crate::number::{short, with_unit};

/// One measured value, in each round. The median stands for it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Figure {
    name: String,
    unit: String,
    rounds: Vec<f64>,
    median: Option<f64>,
    ceiling: Option<Ceiling>,
    aim: Option<Aim>,
}

/// What a figure stands beside, measured in the same run.
#[derive(Debug, Serialize, Deserialize)]
struct Ceiling {
    name: String,
    #[serde(default)]
    bounds: Bounds,
    rounds: Vec<f64>,
    /// The figure's ratio to it, in each round.
    ratios: Vec<f64>,
    ratio: Option<f64>,
}

/// What it means to stand beside something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bounds {
    /// The same thing under other conditions: either may be the larger.
    #[default]
    Neither,
    /// The most that this machine can do: nothing real does more.
    FromAbove,
    /// The least that this machine takes: nothing real takes less.
    FromBelow,
}

/// Rounds below which the middle of them says too little to prove a bound wrong.
const PROOF_ROUNDS: usize = 3;

/// What a figure should be: its ratio to the ceiling where it has one, else its value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    pub(crate) const HEADS: [&str; 5] = ["figure", "median", "rounds", "ratio", "aim"];

    /// A round whose value is no finite number is left out. A figure without any has no median and meets no aim.
    pub(crate) fn new(name: &str, unit: &str, rounds: &[f64]) -> Self {
        let rounds = finite(rounds);
        Self {
            name: name.to_owned(),
            unit: unit.to_owned(),
            median: middle(&rounds),
            rounds,
            ceiling: None,
            aim: None,
        }
    }

    /// Puts the figure beside the same thing under other conditions. With as many rounds, each round has its ratio; else
    /// each round is compared with the other's median.
    pub fn ratio_to(&mut self, other: &str, rounds: &[f64]) -> &mut Self {
        self.beside(other, Bounds::Neither, rounds)
    }

    /// Puts the figure beside the most that this machine can do. A figure that is more proves that the ceiling is none.
    pub fn below(&mut self, ceiling: &str, rounds: &[f64]) -> &mut Self {
        self.beside(ceiling, Bounds::FromAbove, rounds)
    }

    /// Puts the figure beside the least that this machine takes. A figure that is less proves that the floor is none.
    pub fn above(&mut self, floor: &str, rounds: &[f64]) -> &mut Self {
        self.beside(floor, Bounds::FromBelow, rounds)
    }

    /// Why the figure cannot be true beside what is said to bound it, if it cannot. A run of fewer than three rounds proves
    /// nothing.
    pub(crate) fn contradiction(&self) -> Option<String> {
        let ceiling = self.ceiling.as_ref()?;
        let ratio = ceiling.ratio?;
        let broken = match ceiling.bounds {
            Bounds::Neither => false,
            Bounds::FromAbove => ratio > 1.0,
            Bounds::FromBelow => ratio < 1.0,
        };
        (broken && ceiling.ratios.len() >= PROOF_ROUNDS).then(|| {
            format!(
                "\"{}\" is {} of \"{}\", which therefore does not bound it",
                self.name,
                short(ratio),
                ceiling.name
            )
        })
    }

    fn beside(&mut self, ceiling: &str, bounds: Bounds, rounds: &[f64]) -> &mut Self {
        let rounds = finite(rounds);
        let whole = median(&rounds);
        let paired = rounds.len() == self.rounds.len();
        let ratio = |(round, value): (usize, &f64)| value / if paired { rounds[round] } else { whole };
        let ratios = finite(&self.rounds.iter().enumerate().map(ratio).collect::<Vec<_>>());
        self.ceiling = Some(Ceiling {
            name: ceiling.to_owned(),
            bounds,
            ratio: middle(&ratios),
            ratios,
            rounds,
        });
        self
    }

    /// Says what the figure should be.
    pub fn aim(&mut self, aim: Aim) -> &mut Self {
        self.aim = Some(aim);
        self
    }

    /// Whether the aim is met, where there is one.
    pub fn is_met(&self) -> Option<bool> {
        let value = match &self.ceiling {
            Some(ceiling) => ceiling.ratio,
            None => self.median,
        };
        let met = |value| match self.aim? {
            Aim::AtLeast(least) => Some(value >= least),
            Aim::AtMost(most) => Some(value <= most),
        };
        match value {
            Some(value) => met(value),
            None => self.aim.map(|_| false),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn unit(&self) -> &str {
        &self.unit
    }

    /// The median with its unit.
    pub(crate) fn value(&self) -> String {
        let known = self.median.map(|median| with_unit(median, &self.unit));
        known.unwrap_or_else(|| "unknown".to_owned())
    }

    pub(crate) fn median(&self) -> Option<f64> {
        self.median
    }

    /// The least and the most of all rounds.
    pub(crate) fn range(&self) -> (f64, f64) {
        let least = self.rounds.iter().copied().reduce(f64::min);
        let most = self.rounds.iter().copied().reduce(f64::max);
        (least.unwrap_or_default(), most.unwrap_or_default())
    }

    pub(crate) fn row(&self) -> [String; 5] {
        let (least, most) = self.range();
        let rounds = match self.rounds.len() {
            0 | 1 => String::new(),
            _ => format!("{} – {}", short(least), short(most)),
        };
        [
            self.name.clone(),
            self.value(),
            rounds,
            self.ratio(),
            self.verdict(),
        ]
    }

    fn ratio(&self) -> String {
        let Some(ceiling) = &self.ceiling else {
            return String::new();
        };
        let bound = with_unit(median(&ceiling.rounds), &self.unit);
        match ceiling.ratio {
            Some(ratio) => format!("{} of {bound}, {}", short(ratio), ceiling.name),
            None => format!("unknown, {}", ceiling.name),
        }
    }

    fn verdict(&self) -> String {
        let aim = match self.aim {
            None => return String::new(),
            Some(Aim::AtLeast(least)) => format!("at least {}", short(least)),
            Some(Aim::AtMost(most)) => format!("at most {}", short(most)),
        };
        let met = self.is_met() == Some(true);
        format!("{aim}: {}", if met { "met" } else { "missed" })
    }
}

/// The middle of some values, or the mean of the two in the middle; not a number where there are none.
pub fn median(values: &[f64]) -> f64 {
    middle(values).unwrap_or(f64::NAN)
}

fn middle(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

fn finite(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| value.is_finite()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_two() {
        assert_eq!(Figure::new("a", "s", &[3.0, 1.0, 2.0]).median(), Some(2.0));
        assert_eq!(Figure::new("a", "s", &[4.0, 1.0]).median(), Some(2.5));
        assert_eq!(Figure::new("a", "s", &[f64::NAN]).median(), None);
    }

    #[test]
    fn a_figure_is_judged_by_its_ratio_where_it_has_one() {
        let mut figure = Figure::new("acks", "1/s", &[10.0, 30.0, 20.0]);
        assert_eq!(figure.is_met(), None);
        assert_eq!(figure.aim(Aim::AtLeast(20.0)).is_met(), Some(true));
        figure.ratio_to("ceiling", &[100.0]);
        assert_eq!(figure.aim(Aim::AtLeast(0.35)).is_met(), Some(false));
        assert_eq!(figure.aim(Aim::AtMost(0.35)).is_met(), Some(true));
    }

    #[test]
    fn rounds_are_compared_with_the_ceiling_of_their_own_round() {
        let mut figure = Figure::new("acks", "1/s", &[10.0, 40.0, 20.0]);
        // By medians the ratio would be 20 of 80.
        figure.ratio_to("ceiling", &[20.0, 80.0, 80.0]);
        let ceiling = figure.ceiling.as_ref().unwrap();
        assert_eq!(ceiling.ratios, [0.5, 0.5, 0.25]);
        assert_eq!(ceiling.ratio, Some(0.5));
        assert_eq!(figure.row()[3], "0.5 of 80/s, ceiling");
    }

    #[test]
    fn what_passes_its_bound_proves_the_bound_wrong() {
        let mut figure = Figure::new("deliveries", "1/s", &[10.0, 11.0, 12.0]);
        assert_eq!(figure.ratio_to("smaller", &[5.0]).contradiction(), None);
        assert_eq!(figure.below("ceiling", &[11.5]).contradiction(), None);
        let proof = figure.below("ceiling", &[10.5]).contradiction().unwrap();
        assert!(
            proof.contains("deliveries") && proof.contains("ceiling"),
            "{proof}"
        );
        assert_eq!(figure.above("floor", &[10.5]).contradiction(), None);
        assert!(figure.above("floor", &[11.5]).contradiction().is_some());
        let mut short = Figure::new("deliveries", "1/s", &[10.0]);
        assert_eq!(short.below("ceiling", &[5.0]).contradiction(), None);
    }

    #[test]
    fn what_could_not_be_measured_meets_no_aim() {
        let mut figure = Figure::new("acks", "1/s", &[]);
        assert_eq!(figure.aim(Aim::AtMost(1.0)).is_met(), Some(false));
        let mut figure = Figure::new("acks", "1/s", &[5.0]);
        assert_eq!(
            figure.ratio_to("nothing", &[0.0]).aim(Aim::AtLeast(0.1)).is_met(),
            Some(false)
        );
    }
}
