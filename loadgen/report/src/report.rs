//! What one workload came to.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::figure::Figure;
use crate::latencies::{Curve, Latencies};
use crate::machine::{Machine, command};
use crate::{svg, table};

/// Names the form in which reports are stored.
pub(crate) const FORMAT: &str = "tidings-report/1";

/// What one workload came to, on which machine, and by which command.
#[derive(Serialize, Deserialize)]
pub struct Report {
    format: String,
    /// Also the name of its files.
    pub workload: String,
    pub(crate) machine: Machine,
    pub(crate) command: String,
    pub(crate) figures: Vec<Figure>,
    pub(crate) latencies: Vec<Named<Curve>>,
    pub(crate) series: Vec<Named<Series>>,
    pub(crate) notes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Named<T> {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) value: T,
}

/// A value over time.
#[derive(Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) unit: String,
    /// Seconds since the start, and the value.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Report {
    /// An empty report of this machine, this day and this command line.
    pub fn new(workload: &str) -> Self {
        Self {
            format: FORMAT.to_owned(),
            workload: workload.to_owned(),
            machine: Machine::this(),
            command: command(),
            figures: vec![],
            latencies: vec![],
            series: vec![],
            notes: vec![],
        }
    }

    /// Names a program that took part, such as PostgreSQL, by its version.
    pub fn version(&mut self, program: &str, version: &str) {
        self.machine.add_version(program, version);
    }

    /// Adds a figure by its value in each round; the median stands for it. `unit` is `1/s`, `events/s`, `ms`, `KiB`, …
    pub fn figure(&mut self, name: &str, unit: &str, rounds: &[f64]) -> &mut Figure {
        let index = self.figures.len();
        self.figures.push(Figure::new(name, unit, rounds));
        &mut self.figures[index]
    }

    /// Adds latencies; they come with their quantiles and their curve.
    pub fn latencies(&mut self, name: &str, latencies: &Latencies) {
        self.latencies.push(Named {
            name: name.to_owned(),
            value: latencies.curve(),
        });
    }

    /// Adds a value over time: seconds since the start, and the value then. A value that is no finite number is left out.
    pub fn series(&mut self, name: &str, unit: &str, points: &[(f64, f64)]) {
        let finite = |(at, value): &&(f64, f64)| at.is_finite() && value.is_finite();
        self.series.push(Named {
            name: name.to_owned(),
            value: Series {
                unit: unit.to_owned(),
                points: points.iter().filter(finite).copied().collect(),
            },
        });
    }

    /// Adds a sentence, such as what the checker said.
    pub fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// Fails where a figure is beyond what is said to bound it: then the bound was measured wrongly, and no ratio to it says
    /// anything.
    pub fn hold_to_bounds(&self) -> Result<()> {
        let broken: Vec<String> = self.figures.iter().filter_map(Figure::contradiction).collect();
        ensure!(broken.is_empty(), "{}", broken.join("; "));
        Ok(())
    }

    /// Prints tables on standard output.
    pub fn print(&self) {
        println!("{}", self.text());
    }

    /// Writes `<workload>.json` with everything, and `<workload>.svg` where there is something to draw. Makes the directory
    /// where it is missing.
    pub fn write(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let store = |ending: &str, text: &str| {
            let path = dir.join(format!("{}.{ending}", self.workload));
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        store("json", &self.json()?)?;
        match svg::draw(self).map_err(anyhow::Error::msg)? {
            Some(picture) => store("svg", &picture),
            None => Ok(()),
        }
    }

    /// An entry of each list on a line of its own, so that one can read it and compare two of them.
    fn json(&self) -> Result<String> {
        let entries: serde_json::Map<String, serde_json::Value> =
            serde_json::from_value(serde_json::to_value(self)?)?;
        let lines = entries.iter().map(|(name, value)| match value.as_array() {
            Some(list) if !list.is_empty() => {
                let items: Vec<String> = list.iter().map(|item| format!("    {item}")).collect();
                format!("  \"{name}\": [\n{}\n  ]", items.join(",\n"))
            }
            _ => format!("  \"{name}\": {value}"),
        });
        Ok(format!("{{\n{}\n}}\n", lines.collect::<Vec<_>>().join(",\n")))
    }

    fn text(&self) -> String {
        let mut parts = vec![format!("{}\n{}\n{}\n", self.workload, self.command, self.machine)];
        if !self.figures.is_empty() {
            parts.push(table::plain(Figure::HEADS, &self.figure_rows()));
        }
        if !self.latencies.is_empty() {
            parts.push(table::plain(Curve::HEADS, &self.latency_rows()));
        }
        if !self.notes.is_empty() {
            parts.push(format!("* {}\n", self.notes.join("\n* ")));
        }
        parts.join("\n")
    }

    pub(crate) fn figure_rows(&self) -> Vec<[String; 5]> {
        self.figures.iter().map(Figure::row).collect()
    }

    pub(crate) fn latency_rows(&self) -> Vec<[String; 6]> {
        let rows = self.latencies.iter().map(|named| named.value.row(&named.name));
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Aim;
    use std::time::Duration;

    #[test]
    fn a_report_is_stored_whole_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut report = Report::new("test");
        report
            .figure("acks", "1/s", &[1.0, 2.0, 3.0])
            .ratio_to("append path", &[10.0])
            .aim(Aim::AtLeast(0.35));
        let mut latencies = Latencies::new();
        (1..=1000).for_each(|n| latencies.record(Duration::from_micros(n * 10)));
        report.latencies("send to ack", &latencies);
        report.series("acks", "1/s", &[(0.0, 1.0), (1.0, f64::INFINITY), (2.0, 2.0)]);
        report.note("checker: PASS".to_owned());
        report.version("Redis", "7.0.15");
        report.write(dir.path()).unwrap();

        let text = fs::read_to_string(dir.path().join("test.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["figures"][0]["median"], 2.0);
        assert_eq!(json["figures"][0]["ceiling"]["ratio"], 0.2);
        assert_eq!(json["latencies"][0]["count"], 1000);
        assert_eq!(json["series"][0]["points"].as_array().unwrap().len(), 2);
        let read: Report = serde_json::from_str(&text).unwrap();
        assert_eq!(read.text(), report.text());
        assert_eq!(read.json().unwrap(), text);
    }

    #[test]
    fn a_report_without_anything_to_draw_has_no_picture() {
        let dir = tempfile::tempdir().unwrap();
        Report::new("empty").write(dir.path()).unwrap();
        assert!(dir.path().join("empty.json").exists());
        assert!(!dir.path().join("empty.svg").exists());
    }
}
