//! A report as a picture: a card with latency by percentile, values over time, and figures side by side. It has its own
//! background, so that it reads on light and dark pages.

mod bars;
mod canvas;
mod curves;
mod time;

use crate::report::{Named, Report, Series};
use bars::Bars;
use canvas::{Anchor, Canvas, MUTED};
use curves::Curves;
use time::OverTime;

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 28.0;
/// Height of the title and what stands below it.
const HEAD: f64 = 78.0;
/// Between panels.
const GAP: f64 = 36.0;

/// A part of the picture.
trait Panel {
    fn title(&self) -> String;
    /// Without the title.
    fn height(&self) -> f64;
    /// Draws into a place of this width and the panel's height.
    fn draw(&self, canvas: &mut Canvas, place: Place);
}

/// Where a panel goes.
#[derive(Clone, Copy)]
struct Place {
    left: f64,
    top: f64,
    width: f64,
}

/// Draws a report; nothing where there is nothing to draw.
pub(crate) fn draw(report: &Report) -> Option<String> {
    const TITLE: f64 = 26.0;
    let panels = panels(report);
    if panels.is_empty() {
        return None;
    }
    let columns = if panels.len() == 1 { 1 } else { 2 };
    let width = (WIDTH - 2.0 * MARGIN - GAP * (columns - 1) as f64) / columns as f64;
    let mut canvas = Canvas::default();
    let mut top = HEAD;
    for row in panels.chunks(columns) {
        for (column, panel) in row.iter().enumerate() {
            let left = MARGIN + column as f64 * (width + GAP);
            canvas.heading(left, top + 12.0, 13.0, &panel.title());
            let place = Place {
                left,
                top: top + TITLE,
                width,
            };
            panel.draw(&mut canvas, place);
        }
        let highest = row.iter().map(|panel| panel.height()).fold(0.0, f64::max);
        top += TITLE + highest + GAP;
    }
    canvas.heading(MARGIN, 36.0, 18.0, &report.workload);
    canvas.text(MARGIN, 56.0, Anchor::Start, MUTED, &report.machine.to_string());
    Some(canvas.card(WIDTH, top - GAP + MARGIN))
}

fn panels(report: &Report) -> Vec<Box<dyn Panel + '_>> {
    let mut panels: Vec<Box<dyn Panel + '_>> = vec![];
    if !report.latencies.is_empty() {
        panels.push(Box::new(Curves(&report.latencies)));
    }
    for (unit, series) in by_unit(&report.series, |named: &Named<Series>| &named.value.unit) {
        panels.push(Box::new(OverTime { unit, series }));
    }
    // Rates stand for throughput where its course was not recorded.
    let all = panels.is_empty();
    let drawn = report.figures.iter().filter(|figure| figure.median().is_some());
    let drawn = drawn.filter(|figure| all || report.series.is_empty() && figure.unit().ends_with("/s"));
    for (unit, figures) in by_unit(drawn, |figure| figure.unit()) {
        panels.push(Box::new(Bars { unit, figures }));
    }
    panels
}

/// Groups by unit, in the order in which units appear.
fn by_unit<'a, T>(all: impl IntoIterator<Item = &'a T>, unit: fn(&T) -> &str) -> Vec<(&'a str, Vec<&'a T>)> {
    let mut groups: Vec<(&'a str, Vec<&'a T>)> = vec![];
    for item in all {
        match groups.iter_mut().find(|(known, _)| *known == unit(item)) {
            Some((_, group)) => group.push(item),
            None => groups.push((unit(item), vec![item])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Latencies;
    use std::time::Duration;

    fn texts(svg: &str) -> Vec<&str> {
        let parts = svg.split("<text").skip(1);
        parts
            .filter_map(|part| part.split_once('>')?.1.split_once("</text>"))
            .map(|(text, _)| text)
            .collect()
    }

    #[test]
    fn latency_and_throughput_are_drawn() {
        let mut report = Report::new("accept");
        let mut latencies = Latencies::new();
        (1..=10_000).for_each(|n| latencies.record(Duration::from_micros(n * 10)));
        report.latencies("send <to> ack", &latencies);
        report.series("acks", "1/s", &[(0.0, 10.0), (5.0, 20.0), (10.0, 15.0)]);
        report.figure("acks", "1/s", &[15.0]);
        let svg = draw(&report).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert_eq!(svg.matches("<polyline").count(), 2);
        let texts = texts(&svg);
        assert!(texts.contains(&"accept") && texts.contains(&"p99.9"), "{texts:?}");
        assert!(
            texts.iter().any(|text| text.starts_with("send &lt;to&gt; ack")),
            "{texts:?}"
        );
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn figures_are_drawn_where_nothing_else_is() {
        let mut report = Report::new("idle");
        report.figure("resident", "KiB", &[6.5, 7.0, 6.8]);
        report.figure("accepts", "1/s", &[5_000.0]);
        report.figure("unknown", "1/s", &[]);
        let svg = draw(&report).unwrap();
        let texts = texts(&svg);
        assert!(
            texts.contains(&"6.8 KiB") && texts.contains(&"5,000/s"),
            "{texts:?}"
        );
        assert!(!texts.contains(&"unknown"), "{texts:?}");
    }

    #[test]
    fn what_holds_nothing_is_drawn_all_the_same() {
        let mut report = Report::new("nothing");
        report.latencies("none", &Latencies::new());
        report.series("none", "1/s", &[]);
        report.series("zero", "1/s", &[(0.0, 0.0)]);
        let svg = draw(&report).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
