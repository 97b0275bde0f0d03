//! What a workload came to: figures with every round, latencies, and throughput over time; printed, stored and drawn.

mod latencies;
mod machine;
mod svg;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

pub use latencies::Latencies;
use machine::Machine;

/// A report, as it is stored.
#[derive(Serialize)]
pub struct Report {
    pub workload: String,
    machine: Machine,
    /// The program's own arguments.
    command: Vec<String>,
    figures: Vec<Figure>,
    latencies: Vec<Named<latencies::Summary>>,
    series: Vec<Named<Series>>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Named<T> {
    name: String,
    #[serde(flatten)]
    value: T,
}

#[derive(Serialize)]
struct Series {
    unit: String,
    /// Seconds since the start, and the value.
    points: Vec<(f64, f64)>,
}

/// One measured value, in each round. The median stands for it.
#[derive(Serialize)]
pub struct Figure {
    name: String,
    unit: String,
    rounds: Vec<f64>,
    median: f64,
    /// To what this machine can do at best, measured in the same run.
    ceiling: Option<Ceiling>,
    aim: Option<Aim>,
}

#[derive(Serialize)]
struct Ceiling {
    name: String,
    value: f64,
    ratio: f64,
}

/// What a figure should be: its ratio to the ceiling where it has one, else its value.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    /// Puts the figure beside what bounds it.
    pub fn beside(&mut self, name: &str, ceiling: f64) -> &mut Self {
        self.ceiling = Some(Ceiling {
            name: name.to_owned(),
            value: ceiling,
            ratio: self.median / ceiling,
        });
        self
    }

    pub fn aim(&mut self, aim: Aim) -> &mut Self {
        self.aim = Some(aim);
        self
    }

    fn verdict(&self) -> String {
        let value = self.ceiling.as_ref().map_or(self.median, |ceiling| ceiling.ratio);
        match self.aim {
            None => String::new(),
            Some(Aim::AtLeast(least)) if value >= least => format!("met: at least {}", short(least)),
            Some(Aim::AtMost(most)) if value <= most => format!("met: at most {}", short(most)),
            Some(Aim::AtLeast(least)) => format!("missed: at least {}", short(least)),
            Some(Aim::AtMost(most)) => format!("missed: at most {}", short(most)),
        }
    }

    fn row(&self) -> [String; 5] {
        let (least, most) = self
            .rounds
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
                (least.min(*value), most.max(*value))
            });
        let range = if self.rounds.len() > 1 {
            format!("{} – {}", short(least), short(most))
        } else {
            String::new()
        };
        let ratio = self.ceiling.as_ref().map_or_else(String::new, |ceiling| {
            format!(
                "{:.2} of {} {}",
                ceiling.ratio,
                short(ceiling.value),
                ceiling.name
            )
        });
        [
            self.name.clone(),
            format!("{} {}", short(self.median), self.unit),
            range,
            ratio,
            self.verdict(),
        ]
    }
}

impl Report {
    pub fn new(workload: &str) -> Self {
        Self {
            workload: workload.to_owned(),
            machine: Machine::this(),
            command: std::env::args().skip(1).collect(),
            figures: vec![],
            latencies: vec![],
            series: vec![],
            notes: vec![],
        }
    }

    /// Adds a figure by its rounds.
    pub fn figure(&mut self, name: &str, unit: &str, rounds: &[f64]) -> &mut Figure {
        let index = self.figures.len();
        self.figures.push(Figure {
            name: name.to_owned(),
            unit: unit.to_owned(),
            rounds: rounds.to_vec(),
            median: median(rounds),
            ceiling: None,
            aim: None,
        });
        &mut self.figures[index]
    }

    pub fn latencies(&mut self, name: &str, latencies: &Latencies) {
        self.latencies.push(Named {
            name: name.to_owned(),
            value: latencies.summary(),
        });
    }

    pub fn series(&mut self, name: &str, unit: &str, points: &[(f64, f64)]) {
        self.series.push(Named {
            name: name.to_owned(),
            value: Series {
                unit: unit.to_owned(),
                points: points.to_vec(),
            },
        });
    }

    pub fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// Prints tables.
    pub fn print(&self) {
        println!("{}", self.markdown());
    }

    /// Writes `<workload>.json`, `<workload>.md` and, where there is something to draw, `<workload>.svg` into a directory.
    pub fn write(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let store = |ending: &str, text: String| {
            let path = dir.join(format!("{}.{ending}", self.workload));
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        store("json", serde_json::to_string(self)? + "\n")?;
        if let Some(picture) = svg::draw(self) {
            store("svg", picture)?;
        }
        store("md", self.markdown())
    }

    fn origin(&self) -> String {
        format!(
            "`tidings-loadgen {}`\n\n{}\n\n",
            self.command.join(" "),
            self.machine
        )
    }

    fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.workload);
        text.push_str(&self.origin());
        let heads = ["figure", "median", "rounds", "ratio", "aim"].map(str::to_owned);
        text += &table(&heads, &self.figures.iter().map(Figure::row).collect::<Vec<_>>());
        if !self.latencies.is_empty() {
            let heads = ["latency", "p50", "p99", "p99.9", "longest", "count"].map(str::to_owned);
            let rows: Vec<[String; 6]> = self
                .latencies
                .iter()
                .map(|named| named.value.row(&named.name))
                .collect();
            text.push('\n');
            text.push_str(&table(&heads, &rows));
        }
        for note in &self.notes {
            text.push_str("\n* ");
            text.push_str(note);
        }
        text + "\n"
    }
}

/// A table that reads well as text and as Markdown.
fn table<const N: usize>(heads: &[String; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().chain([heads]).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |cells: &[String; N]| {
        let cells = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let body: String = rows.iter().map(line).collect();
    format!("{}| {} |\n{body}", line(heads), rule.join(" | "))
}

/// A number as people read it: three digits that count, thousands apart.
fn short(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    if value.abs() < 1000.0 {
        let digits = (2 - value.abs().max(1e-3).log10().floor() as i32).clamp(0, 4);
        let text = format!("{value:.*}", digits as usize);
        return if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        };
    }
    let whole = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// How far a workload has come, on the terminal.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar of so many steps.
    pub fn new(workload: &str, steps: u64) -> Self {
        let bar = ProgressBar::new(steps);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(workload.to_owned());
        Self(bar)
    }

    /// Begins the next step.
    pub fn step(&self, message: &str) {
        self.0.set_message(message.to_owned());
        self.0.inc(1);
        if self.0.is_hidden() {
            eprintln!("{}: {message}", self.0.prefix());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let read = [0.0, 0.354, 7.5, 12.34, 999.4, 1_000.0, 1_234_567.8, -4_200.0].map(short);
        assert_eq!(
            read,
            ["0", "0.354", "7.5", "12.3", "999", "1,000", "1,234,568", "-4,200"]
        );
    }

    #[test]
    fn a_figure_is_judged_by_its_ratio_where_it_has_one() {
        let mut report = Report::new("test");
        let figure = report.figure("acks", "1/s", &[10.0, 30.0, 20.0]);
        assert_eq!(figure.aim(Aim::AtLeast(20.0)).verdict(), "met: at least 20");
        assert_eq!(
            figure.beside("ceiling", 100.0).aim(Aim::AtLeast(0.35)).verdict(),
            "missed: at least 0.35"
        );
        assert_eq!(figure.aim(Aim::AtMost(0.35)).verdict(), "met: at most 0.35");
    }

    #[test]
    fn a_report_is_stored_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut report = Report::new("test");
        report.figure("acks", "1/s", &[1.0, 2.0, 3.0]);
        let mut latencies = Latencies::new();
        (1..=1000).for_each(|n| latencies.record(Duration::from_micros(n * 10)));
        report.latencies("send to ack", &latencies);
        report.series("acks", "1/s", &[(0.0, 1.0), (1.0, 2.0)]);
        report.write(dir.path()).unwrap();
        let json: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(dir.path().join("test.json")).unwrap()).unwrap();
        assert_eq!(json["figures"][0]["median"], 2.0);
        assert_eq!(json["latencies"][0]["count"], 1000);
        let svg = fs::read_to_string(dir.path().join("test.svg")).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(
            fs::read_to_string(dir.path().join("test.md"))
                .unwrap()
                .contains("| send to ack |")
        );
    }
}
