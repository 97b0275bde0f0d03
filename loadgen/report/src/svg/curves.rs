//! Latency by percentile: nines to the right, milliseconds on a logarithmic scale.

use std::time::Duration;

use super::canvas::{Anchor, Canvas, MUTED, Stroke};
use super::{Panel, Place};
use crate::latencies::Curve;
use crate::number::time;
use crate::report::Named;

const PLOT: f64 = 230.0;
/// Left of the plot, for labels.
const LABELS: f64 = 52.0;
const LEGEND_TOP: f64 = PLOT + 46.0;
const LEGEND_LINE: f64 = 18.0;
/// Points of a curve for each nine.
const FINENESS: u32 = 24;

/// One curve for each.
pub(super) struct Curves<'a>(pub &'a [Named<Curve>]);

impl Panel for Curves<'_> {
    fn title(&self) -> String {
        "Latency by percentile".to_owned()
    }

    fn height(&self) -> f64 {
        LEGEND_TOP + LEGEND_LINE * (self.0.len() - 1) as f64
    }

    fn draw(&self, canvas: &mut Canvas, place: Place) {
        let scale = Scale::of(self.0, place);
        scale.grid(canvas);
        for (index, named) in self.0.iter().enumerate() {
            let curve = &named.value;
            if curve.count() > 0 {
                canvas.line(&scale.points(curve), Stroke(index));
            }
            let [name, p50, p99, ..] = curve.row(&named.name);
            let y = place.top + LEGEND_TOP + LEGEND_LINE * index as f64 - 4.0;
            canvas.legend(
                place.left,
                y,
                Stroke(index),
                &format!("{name}: p50 {p50}, p99 {p99}"),
            );
        }
    }
}

struct Scale {
    place: Place,
    /// The last nine shown.
    nines: f64,
    /// Logarithms of the least and the most milliseconds.
    decades: (f64, f64),
}

impl Scale {
    fn of(curves: &[Named<Curve>], place: Place) -> Self {
        let curves = || {
            curves
                .iter()
                .map(|named| &named.value)
                .filter(|curve| curve.count() > 0)
        };
        let nines = curves().map(known_nines).fold(2.0, f64::max);
        let least = curves()
            .map(|curve| decade(curve.at(0.0)))
            .fold(f64::INFINITY, f64::min);
        let most = curves()
            .map(|curve| decade(curve.at(1.0)))
            .fold(f64::NEG_INFINITY, f64::max);
        let decades = if least.is_finite() {
            (least.floor(), most.ceil().max(least.floor() + 1.0))
        } else {
            (0.0, 1.0)
        };
        Self {
            place,
            nines,
            decades,
        }
    }

    fn x(&self, nines: f64) -> f64 {
        self.place.left + LABELS + nines / self.nines * (self.place.width - LABELS)
    }

    fn y(&self, decade: f64) -> f64 {
        let (least, most) = self.decades;
        self.place.top + PLOT * (most - decade) / (most - least)
    }

    fn grid(&self, canvas: &mut Canvas) {
        let (least, most) = self.decades;
        let right = self.x(self.nines);
        // Few decades leave room for what lies between them.
        let between: &[f64] = if most - least > 2.0 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        for whole in least as i32..=most as i32 {
            for part in between {
                let ms = part * 10_f64.powi(whole);
                let y = self.y(ms.log10());
                if y >= self.place.top - 0.1 {
                    canvas.grid((self.x(0.0), y), (right, y));
                    let label = time(Duration::from_secs_f64(ms / 1e3));
                    canvas.text(self.x(0.0) - 6.0, y + 4.0, Anchor::End, MUTED, &label);
                }
            }
        }
        let marks = [
            (0.0, "min"),
            (0.5, "p50"),
            (0.9, "p90"),
            (0.99, "p99"),
            (0.999, "p99.9"),
            (0.9999, "p99.99"),
            (0.99999, "p99.999"),
        ];
        let (top, bottom) = (self.place.top, self.place.top + PLOT);
        for (quantile, label) in marks {
            let nines = nines(quantile);
            if nines <= self.nines + 0.01 {
                canvas.grid((self.x(nines), top), (self.x(nines), bottom));
                canvas.text(self.x(nines), bottom + 18.0, Anchor::Middle, MUTED, label);
            }
        }
    }

    fn points(&self, curve: &Curve) -> Vec<(f64, f64)> {
        let steps = (known_nines(curve) * f64::from(FINENESS)) as u32;
        (0..=steps)
            .map(|step| {
                let nines = f64::from(step) / f64::from(FINENESS);
                let value = curve.at(1.0 - 10_f64.powf(-nines));
                (self.x(nines), self.y(decade(value)))
            })
            .collect()
    }
}

fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// A curve ends where one sample alone would make it; five nines are enough to see.
fn known_nines(curve: &Curve) -> f64 {
    (curve.count() as f64).log10().clamp(0.0, 5.0)
}

fn decade(value: Duration) -> f64 {
    (value.as_secs_f64() * 1e3).max(1e-3).log10()
}
