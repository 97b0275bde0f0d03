//! All reports of a directory on one page.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::figure::Figure;
use crate::latencies::Curve;
use crate::report::{FORMAT, Report};
use crate::table::markdown;

/// The reports of a directory, in the order of their names.
pub struct Summary {
    reports: Vec<Report>,
}

impl Summary {
    /// Reads all reports of a directory. Other JSON files are passed over.
    pub fn read(dir: &Path) -> Result<Self> {
        let mut reports = vec![];
        for entry in fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                let text =
                    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let report = parse(&text).with_context(|| format!("cannot read {}", path.display()))?;
                reports.extend(report);
            }
        }
        ensure!(!reports.is_empty(), "no reports in {}", dir.display());
        reports.sort_by(|a: &Report, b| a.workload.cmp(&b.workload));
        Ok(Self { reports })
    }

    /// The names of the workloads.
    pub fn workloads(&self) -> impl Iterator<Item = &str> {
        self.reports.iter().map(|report| report.workload.as_str())
    }

    /// Writes `results.md`, which shows the pictures that lie beside it.
    pub fn write_markdown(&self, dir: &Path) -> Result<()> {
        let path = dir.join("results.md");
        fs::write(&path, self.markdown(dir)).with_context(|| format!("cannot write {}", path.display()))
    }

    fn markdown(&self, dir: &Path) -> String {
        let mut text = "# Results\n".to_owned();
        let aims = self.aims();
        if !aims.is_empty() {
            let heads = ["workload", "figure", "median", "ratio", "aim"];
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{}", markdown(heads, &aims));
        }
        for report in &self.reports {
            let picture = format!("{}.svg", report.workload);
            let picture = dir.join(&picture).exists().then_some(picture);
            text.push_str(&section(report, picture.as_deref()));
        }
        text
    }

    /// All figures that have an aim.
    fn aims(&self) -> Vec<[String; 5]> {
        let mut rows = vec![];
        for report in &self.reports {
            for figure in report.figures.iter().filter(|figure| figure.is_met().is_some()) {
                let [name, median, _, ratio, aim] = figure.row();
                rows.push([report.workload.clone(), name, median, ratio, aim]);
            }
        }
        rows
    }
}

fn parse(text: &str) -> Result<Option<Report>> {
    let value: serde_json::Value = serde_json::from_str(text)?;
    if value["format"] != FORMAT {
        return Ok(None);
    }
    Ok(Some(serde_json::from_value(value)?))
}

fn section(report: &Report, picture: Option<&str>) -> String {
    let mut text = format!(
        "\n## {}\n\n`{}`\n\n{}\n",
        report.workload, report.command, report.machine
    );
    if !report.figures.is_empty() {
        let _ = write!(text, "\n{}", markdown(Figure::HEADS, &report.figure_rows()));
    }
    if !report.latencies.is_empty() {
        let _ = write!(text, "\n{}", markdown(Curve::HEADS, &report.latency_rows()));
    }
    if !report.notes.is_empty() {
        let _ = writeln!(text, "\n* {}", report.notes.join("\n* "));
    }
    if let Some(picture) = picture {
        let _ = writeln!(text, "\n![{}]({picture})", report.workload);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Aim, Latencies};
    use std::time::Duration;

    #[test]
    fn a_page_holds_every_report_and_every_aim() {
        let dir = tempfile::tempdir().unwrap();
        let mut storm = Report::new("storm");
        storm.figure("all synced", "s", &[2.5]).aim(Aim::AtMost(3.0));
        storm.write(dir.path()).unwrap();
        let mut accept = Report::new("accept");
        accept
            .figure("acks", "1/s", &[30.0])
            .ratio_to("append path", &[100.0])
            .aim(Aim::AtLeast(0.35));
        let mut latencies = Latencies::new();
        latencies.record(Duration::from_millis(7));
        accept.latencies("send to ack", &latencies);
        accept.write(dir.path()).unwrap();
        fs::write(dir.path().join("other.json"), "{\"figures\": 1}").unwrap();

        let summary = Summary::read(dir.path()).unwrap();
        assert_eq!(summary.workloads().collect::<Vec<_>>(), ["accept", "storm"]);
        summary.write_markdown(dir.path()).unwrap();
        let text = fs::read_to_string(dir.path().join("results.md")).unwrap();
        assert!(text.contains("at least 0.35: missed"), "{text}");
        assert!(text.contains("at most 3: met"), "{text}");
        assert!(text.contains("| send to ack |"), "{text}");
        assert!(text.contains("![accept](accept.svg)"), "{text}");
    }

    #[test]
    fn a_damaged_report_is_not_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bad.json");
        fs::write(&path, format!("{{\"format\": \"{FORMAT}\"}}")).unwrap();
        assert!(Summary::read(dir.path()).is_err());
        fs::remove_file(path).unwrap();
        assert!(
            Summary::read(dir.path()).is_err(),
            "an empty directory holds no results"
        );
    }
}
