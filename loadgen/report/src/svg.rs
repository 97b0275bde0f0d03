//! A report as a picture: a card with latency by percentile, values over time, and figures side by side. It has its own
//! background, so that it reads on light and dark pages.

use std::error::Error;
use std::time::Duration;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::figure::Figure;
use crate::latencies::Curve;
use crate::number::{short, time, with_unit};
use crate::report::{Named, Report, Series};

const WIDTH: i32 = 960;
/// Height of the title and what stands below it.
const HEAD: i32 = 66;
/// Of a panel with lines, without its legend.
const PLOT: i32 = 290;
const LEGEND_LINE: i32 = 18;
/// Of a panel's title.
const TITLE: i32 = 24;
/// Of a figure with its bar.
const ROW: i32 = 36;
const FONT: (&str, u32) = ("sans-serif", 12);
const TITLE_FONT: (&str, u32) = ("sans-serif", 14);
const HEAD_FONT: (&str, u32) = ("sans-serif", 20);
const MUTED: RGBColor = RGBColor(0x59, 0x63, 0x6e);
const GRID: RGBColor = RGBColor(0xe6, 0xea, 0xef);
/// Points of a curve for each nine.
const FINENESS: u32 = 24;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

/// A part of the picture.
enum Panel<'a> {
    /// Latency by percentile: nines to the right, milliseconds on a logarithmic scale.
    Curves(&'a [Named<Curve>]),
    /// Values of one unit over time.
    OverTime(&'a str, Vec<&'a Named<Series>>),
    /// Figures of one unit side by side: the median as a bar, the rounds as its whisker.
    Bars(&'a str, Vec<&'a Figure>),
}

/// Draws a report; nothing where there is nothing to draw.
///
/// # Errors
/// When something cannot be drawn.
pub(crate) fn draw(report: &Report) -> Result<Option<String>, String> {
    let panels = panels(report);
    if panels.is_empty() {
        return Ok(None);
    }
    let mut svg = String::new();
    paint(report, &panels, &mut svg)
        .map_err(|error| format!("{} cannot be drawn: {error}", report.workload))?;
    Ok(Some(svg))
}

fn paint(report: &Report, panels: &[Panel<'_>], svg: &mut String) -> Drawn {
    let columns = if panels.len() == 1 { 1 } else { 2 };
    let rows = || panels.chunks(columns);
    let height = |row: &[Panel<'_>]| row.iter().map(Panel::height).max().unwrap_or(0);
    let whole = HEAD + rows().map(height).sum::<i32>();
    let size = (WIDTH.unsigned_abs(), whole.unsigned_abs());
    let root = SVGBackend::with_string(svg, size).into_drawing_area();
    root.fill(&WHITE)?;
    root.draw(&Text::new(report.workload.as_str(), (28, 18), HEAD_FONT))?;
    let machine = report.machine.to_string();
    root.draw(&Text::new(machine, (28, 44), FONT.into_font().color(&MUTED)))?;
    let mut rest = root.split_vertically(HEAD).1;
    for row in rows() {
        let (line, below) = rest.split_vertically(height(row));
        for (panel, area) in row.iter().zip(line.split_evenly((1, columns))) {
            panel.draw(&area.margin(0, 10, 28, 20))?;
        }
        rest = below;
    }
    Ok(root.present()?)
}

fn panels(report: &Report) -> Vec<Panel<'_>> {
    let mut panels = vec![];
    if !report.latencies.is_empty() {
        panels.push(Panel::Curves(&report.latencies));
    }
    for (unit, series) in by_unit(&report.series, |named: &Named<Series>| &named.value.unit) {
        panels.push(Panel::OverTime(unit, series));
    }
    // Rates stand for throughput where its course was not recorded.
    let all = panels.is_empty();
    let drawn = report.figures.iter().filter(|figure| figure.median().is_some());
    let drawn = drawn.filter(|figure| all || report.series.is_empty() && figure.unit().ends_with("/s"));
    for (unit, figures) in by_unit(drawn, |figure| figure.unit()) {
        panels.push(Panel::Bars(unit, figures));
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

impl Panel<'_> {
    fn title(&self) -> String {
        match self {
            Self::Curves(_) => "Latency by percentile".to_owned(),
            Self::OverTime("1/s", _) => "Over time, per second".to_owned(),
            Self::OverTime(unit, _) => format!("Over time, {unit}"),
            Self::Bars("1/s", _) => "Per second".to_owned(),
            Self::Bars(unit, _) => (*unit).to_owned(),
        }
    }

    fn height(&self) -> i32 {
        let lines = |count: usize| PLOT + LEGEND_LINE * count as i32;
        TITLE
            + 20
            + match self {
                Self::Curves(curves) => lines(curves.len()),
                Self::OverTime(_, series) => lines(series.len()),
                Self::Bars(_, figures) => ROW * figures.len() as i32,
            }
    }

    fn draw(&self, area: &Area<'_>) -> Drawn {
        area.draw(&Text::new(self.title(), (0, 0), TITLE_FONT))?;
        let below = area.split_vertically(TITLE).1;
        match self {
            Self::Curves(curves) => draw_curves(curves, &below),
            Self::OverTime(_, series) => draw_series(series, &below),
            Self::Bars(_, figures) => draw_bars(figures, &below),
        }
    }
}

fn draw_curves(curves: &[Named<Curve>], area: &Area<'_>) -> Drawn {
    let known = || {
        curves
            .iter()
            .map(|named| &named.value)
            .filter(|curve| curve.count() > 0)
    };
    let nines = known().map(known_nines).fold(2.0, f64::max);
    let least = known()
        .map(|curve| ms(curve.at(0.0)))
        .fold(f64::INFINITY, f64::min);
    let most = known().map(|curve| ms(curve.at(1.0))).fold(0.0, f64::max);
    let (least, most) = if least.is_finite() {
        (least, most.max(least * 10.0))
    } else {
        (1.0, 10.0)
    };
    let (plot, legend) = area.split_vertically(PLOT);
    let mut chart = ChartBuilder::on(&plot)
        .x_label_area_size(28)
        .y_label_area_size(58)
        .build_cartesian_2d(0.0..nines, (least..most).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .label_style(FONT.into_font().color(&MUTED))
        .x_labels(nines as usize + 1)
        .x_label_formatter(&|nines| percentile(*nines))
        .y_label_formatter(&|ms| time(Duration::from_secs_f64(ms / 1e3)))
        .draw()?;
    for (index, named) in curves.iter().enumerate() {
        let curve = &named.value;
        if curve.count() > 0 {
            let steps = (known_nines(curve) * f64::from(FINENESS)) as u32;
            let points = (0..=steps).map(|step| {
                let nines = f64::from(step) / f64::from(FINENESS);
                (nines, ms(curve.at(1.0 - 10_f64.powf(-nines))))
            });
            chart.draw_series(LineSeries::new(points, colour(index)))?;
        }
        let [name, p50, p99, ..] = curve.row(&named.name);
        entry(&legend, index, &format!("{name}: p50 {p50}, p99 {p99}"))?;
    }
    Ok(())
}

fn draw_series(series: &[&Named<Series>], area: &Area<'_>) -> Drawn {
    let points = || series.iter().flat_map(|named| &named.value.points);
    let seconds = points().map(|(at, _)| *at).fold(0.0, f64::max);
    let most = points().map(|(_, value)| *value).fold(0.0, f64::max);
    let whole = |most: f64| if most > 0.0 { most } else { 1.0 };
    let (plot, legend) = area.split_vertically(PLOT);
    let mut chart = ChartBuilder::on(&plot)
        .x_label_area_size(28)
        .y_label_area_size(58)
        .build_cartesian_2d(0.0..whole(seconds), 0.0..whole(most) * 1.05)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .label_style(FONT.into_font().color(&MUTED))
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|at| with_unit(*at, "s"))
        .y_label_formatter(&|value| short(*value))
        .draw()?;
    for (index, named) in series.iter().enumerate() {
        chart.draw_series(LineSeries::new(named.value.points.iter().copied(), colour(index)))?;
        entry(&legend, index, &named.name)?;
    }
    Ok(())
}

fn draw_bars(figures: &[&Figure], area: &Area<'_>) -> Drawn {
    let most = figures
        .iter()
        .map(|figure| figure.range().1)
        .fold(f64::MIN_POSITIVE, f64::max);
    let width = f64::from(area.dim_in_pixel().0);
    let x = |value: f64| (value.max(0.0) / most * width) as i32;
    for (index, figure) in figures.iter().enumerate() {
        let top = ROW * index as i32;
        let text = format!("{}: {}", figure.name(), figure.value());
        area.draw(&Text::new(text, (0, top), FONT))?;
        let median = x(figure.median().unwrap_or_default()).max(1);
        area.draw(&Rectangle::new(
            [(0, top + 16), (median, top + 27)],
            colour(0).filled(),
        ))?;
        let (least, most) = figure.range();
        if most > least {
            let rounds = vec![(x(least), top + 21), (x(most), top + 21)];
            area.draw(&PathElement::new(rounds, BLACK.stroke_width(2)))?;
        }
    }
    Ok(())
}

/// A line of a legend.
fn entry(legend: &Area<'_>, index: usize, text: &str) -> Drawn {
    let y = LEGEND_LINE * index as i32 + 8;
    legend.draw(&PathElement::new(vec![(0, y), (18, y)], colour(index)))?;
    Ok(legend.draw(&Text::new(text.to_owned(), (26, y - 7), FONT))?)
}

fn colour(index: usize) -> ShapeStyle {
    Palette99::pick(index).stroke_width(2)
}

fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e3).max(1e-3)
}

/// A curve ends where one sample alone would make it; five nines are enough to see.
fn known_nines(curve: &Curve) -> f64 {
    (curve.count() as f64).log10().clamp(0.0, 5.0)
}

/// `p90` for one nine, `p99.9` for three.
fn percentile(nines: f64) -> String {
    match nines.round() as usize {
        0 => "min".to_owned(),
        1 => "p90".to_owned(),
        2 => "p99".to_owned(),
        nines => format!("p99.{}", "9".repeat(nines - 2)),
    }
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
            .map(|(text, _)| text.trim())
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
        let svg = draw(&report).unwrap().unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        // Each is drawn, and stands in its legend.
        assert!(svg.matches("<polyline").count() >= 4, "{svg}");
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
        let svg = draw(&report).unwrap().unwrap();
        let texts = texts(&svg);
        assert!(
            texts.contains(&"resident: 6.8 KiB") && texts.contains(&"accepts: 5,000/s"),
            "{texts:?}"
        );
        assert!(!texts.iter().any(|text| text.contains("unknown")), "{texts:?}");
    }

    #[test]
    fn what_holds_nothing_is_drawn_all_the_same() {
        let mut report = Report::new("nothing");
        report.latencies("none", &Latencies::new());
        report.series("none", "1/s", &[]);
        report.series("zero", "1/s", &[(0.0, 0.0)]);
        let svg = draw(&report).unwrap().unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
