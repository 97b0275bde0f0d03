//! Values over time.

use super::canvas::{Anchor, Canvas, MUTED, Stroke};
use super::{Panel, Place};
use crate::number::{short, with_unit};
use crate::report::{Named, Series};

const PLOT: f64 = 230.0;
/// Left of the plot, for labels.
const LABELS: f64 = 60.0;
const LEGEND_TOP: f64 = PLOT + 46.0;
const LEGEND_LINE: f64 = 18.0;

/// Series of one unit.
pub(super) struct OverTime<'a> {
    pub unit: &'a str,
    pub series: Vec<&'a Named<Series>>,
}

impl Panel for OverTime<'_> {
    fn title(&self) -> String {
        match self.unit {
            "1/s" => "Over time, per second".to_owned(),
            unit => format!("Over time, {unit}"),
        }
    }

    fn height(&self) -> f64 {
        LEGEND_TOP + LEGEND_LINE * (self.series.len() - 1) as f64
    }

    fn draw(&self, canvas: &mut Canvas, place: Place) {
        let points = || self.series.iter().flat_map(|named| &named.value.points);
        let steps = |most: f64| {
            let step = round_step(most);
            (step, (most / step).ceil().max(1.0) * step)
        };
        let (second_step, _) = steps(points().map(|(at, _)| *at).fold(0.0, f64::max));
        let seconds = points().map(|(at, _)| *at).fold(second_step, f64::max);
        let (value_step, most) = steps(points().map(|(_, value)| *value).fold(0.0, f64::max));

        let (left, bottom) = (place.left + LABELS, place.top + PLOT);
        let x = |at: f64| left + at / seconds * (place.width - LABELS);
        let y = |value: f64| bottom - value.max(0.0) / most * PLOT;
        for value in ticks(value_step, most) {
            canvas.grid((left, y(value)), (x(seconds), y(value)));
            canvas.text(left - 6.0, y(value) + 4.0, Anchor::End, MUTED, &short(value));
        }
        for at in ticks(second_step, seconds) {
            canvas.grid((x(at), place.top), (x(at), bottom));
            canvas.text(x(at), bottom + 18.0, Anchor::Middle, MUTED, &with_unit(at, "s"));
        }
        for (index, named) in self.series.iter().enumerate() {
            let points: Vec<_> = named
                .value
                .points
                .iter()
                .map(|(at, value)| (x(*at), y(*value)))
                .collect();
            if !points.is_empty() {
                canvas.line(&points, Stroke(index));
            }
            let at = place.top + LEGEND_TOP + LEGEND_LINE * index as f64 - 4.0;
            canvas.legend(place.left, at, Stroke(index), &named.name);
        }
    }
}

/// A round number that goes about five times into `most`.
fn round_step(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let raw = most / 5.0;
    let unit = 10_f64.powf(raw.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|round| round * unit >= raw * 0.999);
    round.unwrap_or(10.0) * unit
}

fn ticks(step: f64, most: f64) -> impl Iterator<Item = f64> {
    let count = (most / step + 1e-6) as u32;
    (0..=count).map(move |n| f64::from(n) * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        let steps = [0.0, 4.0, 9.0, 37.0, 100.0, 31_000.0].map(round_step).map(short);
        assert_eq!(steps, ["1", "1", "2", "10", "20", "10,000"]);
        let ticks: Vec<String> = ticks(0.5, 1.6).map(short).collect();
        assert_eq!(ticks, ["0", "0.5", "1", "1.5"]);
    }
}
