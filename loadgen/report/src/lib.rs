//! What measurements come to: latencies, figures by rounds with their ceilings and aims, series over time; printed as a
//! table, stored as JSON, drawn as SVG, and gathered from a directory into one page.

mod figure;
mod latencies;
mod machine;
mod number;
mod page;
mod progress;
mod report;
mod svg;
mod table;

pub use figure::{Aim, Figure, median};
pub use latencies::Latencies;
pub use number::millis;
pub use page::Summary;
pub use progress::Progress;
pub use report::Report;
