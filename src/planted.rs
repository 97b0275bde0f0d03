//! Faults that can be planted, to see that `make planted` finds each of them by the name of the rule that it breaks.
//!
//! Only a build with the feature `planted` has them, and such a build is for debugging. The variable `TIDINGS_PLANTED` names the
//! one that a node has. Without the feature nothing is left of them.

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!("a release keeps its promises: `planted` is for builds that are tried");

/// Whether this node has the fault of this name.
#[cfg(feature = "planted")]
pub fn is(name: &str) -> bool {
    static PLANTED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let planted = PLANTED.get_or_init(|| std::env::var("TIDINGS_PLANTED").ok());
    planted.as_deref() == Some(name)
}

/// Whether this node has the fault of this name: it has none.
#[cfg(not(feature = "planted"))]
pub const fn is(_: &str) -> bool {
    false
}
