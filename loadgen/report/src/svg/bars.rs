//! Figures side by side: the median as a bar, the rounds as its whisker.

use super::canvas::{Anchor, Canvas, INK, Stroke};
use super::{Panel, Place};
use crate::figure::Figure;

const ROW: f64 = 36.0;
const BAR: f64 = 12.0;

/// Figures of one unit.
pub(super) struct Bars<'a> {
    pub unit: &'a str,
    pub figures: Vec<&'a Figure>,
}

impl Panel for Bars<'_> {
    fn title(&self) -> String {
        match self.unit {
            "1/s" => "Per second".to_owned(),
            unit => unit.to_owned(),
        }
    }

    fn height(&self) -> f64 {
        ROW * self.figures.len() as f64
    }

    fn draw(&self, canvas: &mut Canvas, place: Place) {
        let most = self
            .figures
            .iter()
            .map(|figure| figure.range().1)
            .fold(f64::MIN_POSITIVE, f64::max);
        let width = |value: f64| value.max(0.0) / most * place.width;
        for (index, figure) in self.figures.iter().enumerate() {
            let top = place.top + ROW * index as f64;
            canvas.text(place.left, top + 10.0, Anchor::Start, INK, figure.name());
            canvas.text(
                place.left + place.width,
                top + 10.0,
                Anchor::End,
                INK,
                &figure.value(),
            );
            let median = figure.median().unwrap_or_default();
            canvas.bar(place.left, top + 16.0, width(median), BAR, Stroke(0).colour());
            let (least, most) = figure.range();
            if most > least {
                let ends = (place.left + width(least), place.left + width(most));
                canvas.whisker(ends, top + 16.0 + BAR / 2.0);
            }
        }
    }
}
