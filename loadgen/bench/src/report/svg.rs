//! A report as a picture: latency by percentile on the left, throughput over time on the right.

use std::fmt::Write as _;

use super::{Report, short};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 420.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 300.0;
const COLOURS: [&str; 8] = [
    "#0b6e99", "#d9730d", "#4d8a3d", "#ad1a72", "#6940a5", "#937264", "#9b9a97", "#2f3437",
];

/// A part of the picture with its scales.
struct Plot {
    left: f64,
    right: f64,
    x: (f64, f64),
    y: (f64, f64),
}

impl Plot {
    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let part = |value: f64, (from, to): (f64, f64)| {
            if to > from {
                (value - from) / (to - from)
            } else {
                0.0
            }
        };
        (
            self.left + part(x, self.x) * (self.right - self.left),
            BOTTOM - part(y, self.y) * (BOTTOM - TOP),
        )
    }

    fn line(&self, out: &mut String, points: impl Iterator<Item = (f64, f64)>, colour: &str) {
        let points: Vec<String> = points
            .map(|(x, y)| self.place(x, y))
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            r#"<polyline fill="none" stroke="{colour}" stroke-width="2" points="{}"/>"#,
            points.join(" ")
        );
    }

    fn horizontal(&self, out: &mut String, y: f64, label: &str) {
        let (left, at) = self.place(self.x.0, y);
        let _ = writeln!(
            out,
            r##"<line x1="{left:.1}" y1="{at:.1}" x2="{:.1}" y2="{at:.1}" stroke="#e3e2e0"/><text x="{:.1}" y="{:.1}" text-anchor="end">{label}</text>"##,
            self.right,
            left - 6.0,
            at + 4.0
        );
    }

    fn vertical(&self, out: &mut String, x: f64, label: &str) {
        let (at, bottom) = self.place(x, self.y.0);
        let _ = writeln!(
            out,
            r#"<text x="{at:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
            bottom + 16.0
        );
    }
}

/// Draws a report; `None` where it has neither latencies nor anything over time.
pub(super) fn draw(report: &Report) -> Option<String> {
    if report.latencies.is_empty() && report.series.is_empty() {
        return None;
    }
    let mut out = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif" font-size="11" fill="#37352f">
<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff" stroke="#e3e2e0"/>
<text x="24" y="28" font-size="16" font-weight="600">{}</text>
"##,
        escape(&report.workload)
    );
    latency(report, &mut out);
    throughput(report, &mut out);
    Some(out + "</svg>\n")
}

/// Percentiles on a scale of nines, milliseconds on a logarithmic one.
fn latency(report: &Report, out: &mut String) {
    if report.latencies.is_empty() {
        return;
    }
    let nines = |quantile: f64| -(1.0 - quantile.min(0.9999)).log10();
    let curves = || report.latencies.iter().map(|named| &named.value.quantiles);
    let values = curves().flatten().map(|(_, us)| (*us).max(1) as f64 / 1e3);
    let (least, most) = values.fold((f64::INFINITY, 0.0_f64), |(least, most), ms| {
        (least.min(ms), most.max(ms))
    });
    let plot = Plot {
        left: 72.0,
        right: if report.series.is_empty() {
            WIDTH - 32.0
        } else {
            WIDTH / 2.0 - 24.0
        },
        x: (0.0, 4.0),
        y: (
            least.log10().floor(),
            most.log10().ceil().max(least.log10().floor() + 1.0),
        ),
    };
    let mut decade = plot.y.0;
    while decade <= plot.y.1 {
        plot.horizontal(out, decade, &format!("{} ms", short(10_f64.powf(decade))));
        decade += 1.0;
    }
    for (quantile, label) in [
        (0.0, "fastest"),
        (0.5, "p50"),
        (0.9, "p90"),
        (0.99, "p99"),
        (0.999, "p99.9"),
        (1.0, "p99.99"),
    ] {
        plot.vertical(out, nines(quantile), label);
    }
    for (index, named) in report.latencies.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let quantiles = named
            .value
            .quantiles
            .iter()
            .filter(|(quantile, _)| *quantile < 1.0);
        let points = quantiles.map(|(quantile, us)| (nines(*quantile), ((*us).max(1) as f64 / 1e3).log10()));
        plot.line(out, points, colour);
        legend(out, index, plot.left, &named.name, colour);
    }
}

fn throughput(report: &Report, out: &mut String) {
    let points = || report.series.iter().flat_map(|named| &named.value.points);
    let Some(seconds) = points().map(|(x, _)| *x).reduce(f64::max) else {
        return;
    };
    let most = points().map(|(_, y)| *y).fold(0.0, f64::max);
    let plot = Plot {
        left: if report.latencies.is_empty() {
            72.0
        } else {
            WIDTH / 2.0 + 64.0
        },
        right: WIDTH - 32.0,
        x: (0.0, seconds),
        y: (0.0, most * 1.1),
    };
    for step in 0..=4 {
        let value = most * f64::from(step) / 4.0;
        plot.horizontal(out, value, &short(value));
        let second = seconds * f64::from(step) / 4.0;
        plot.vertical(out, second, &format!("{} s", short(second)));
    }
    for (index, named) in report.series.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        plot.line(out, named.value.points.iter().copied(), colour);
        legend(
            out,
            index,
            plot.left,
            &format!("{} ({})", named.name, named.value.unit),
            colour,
        );
    }
}

fn legend(out: &mut String, index: usize, left: f64, name: &str, colour: &str) {
    let y = BOTTOM + 40.0 + 14.0 * (index % 5) as f64;
    let x = left + 220.0 * (index / 5) as f64;
    let _ = writeln!(
        out,
        r#"<rect x="{x:.1}" y="{:.1}" width="10" height="3" fill="{colour}"/><text x="{:.1}" y="{:.1}">{}</text>"#,
        y - 5.0,
        x + 16.0,
        y,
        escape(name)
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
