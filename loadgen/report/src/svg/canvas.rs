//! Shapes and letters of SVG.

use std::fmt::Write as _;

pub(super) const INK: &str = "#1f2328";
pub(super) const MUTED: &str = "#59636e";
const GRID: &str = "#e6eaef";
const EDGE: &str = "#d1d9e0";
const FONT: &str = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";

/// Colours that stay apart on white, also for most who see few of them; dashes tell the rest apart.
const COLOURS: [&str; 7] = [
    "#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#9a6700", "#0a7b83",
];

/// Shapes, from back to front.
#[derive(Default)]
pub(super) struct Canvas {
    shapes: String,
}

#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How the `n`th line of a panel looks.
#[derive(Clone, Copy)]
pub(super) struct Stroke(pub usize);

impl Stroke {
    pub(super) fn colour(self) -> &'static str {
        COLOURS[self.0 % COLOURS.len()]
    }

    fn dashes(self) -> &'static str {
        match self.0 / COLOURS.len() {
            0 => "",
            1 => r#" stroke-dasharray="6 3""#,
            _ => r#" stroke-dasharray="2 3""#,
        }
    }
}

// Writing to a String cannot fail.
impl Canvas {
    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, colour: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.shapes,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="{colour}">{}</text>"#,
            escape(text)
        );
    }

    pub(super) fn heading(&mut self, x: f64, y: f64, size: f64, text: &str) {
        let _ = writeln!(
            self.shapes,
            r#"<text x="{x:.1}" y="{y:.1}" font-size="{size}" font-weight="600" fill="{INK}">{}</text>"#,
            escape(text)
        );
    }

    /// A line of the grid.
    pub(super) fn grid(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let _ = writeln!(
            self.shapes,
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{GRID}"/>"#
        );
    }

    pub(super) fn line(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            self.shapes,
            r#"<polyline fill="none" stroke="{}" stroke-width="2" stroke-linejoin="round"{} points="{}"/>"#,
            stroke.colour(),
            stroke.dashes(),
            points.join(" ")
        );
    }

    /// An entry of a legend: a piece of the line, and what it shows.
    pub(super) fn legend(&mut self, x: f64, y: f64, stroke: Stroke, text: &str) {
        let _ = writeln!(
            self.shapes,
            r#"<line x1="{x:.1}" y1="{at:.1}" x2="{:.1}" y2="{at:.1}" stroke="{}" stroke-width="3"{}/>"#,
            x + 18.0,
            stroke.colour(),
            stroke.dashes(),
            at = y - 4.0,
        );
        self.text(x + 26.0, y, Anchor::Start, INK, text);
    }

    pub(super) fn bar(&mut self, x: f64, y: f64, width: f64, height: f64, colour: &str) {
        let _ = writeln!(
            self.shapes,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{:.1}" height="{height:.1}" rx="2" fill="{colour}"/>"#,
            width.max(1.0)
        );
    }

    /// From the least to the most.
    pub(super) fn whisker(&mut self, (from, to): (f64, f64), y: f64) {
        let _ = writeln!(
            self.shapes,
            r#"<path d="M{from:.1} {0:.1}v6M{from:.1} {y:.1}H{to:.1}M{to:.1} {0:.1}v6" stroke="{INK}" fill="none"/>"#,
            y - 3.0
        );
    }

    /// All shapes on a card.
    pub(super) fn card(self, width: f64, height: f64) -> String {
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0}" width="{width}" height="{height:.0}" font-family="{FONT}" font-size="11">
<rect x="0.5" y="0.5" width="{}" height="{:.0}" rx="8" fill="#ffffff" stroke="{EDGE}"/>
{}</svg>
"##,
            width - 1.0,
            height - 1.0,
            self.shapes
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
