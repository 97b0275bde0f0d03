//! A text frame carries one or more objects, a line each.

/// The objects of a frame, in order; blank lines are skipped. JSON never holds a bare newline inside of a
/// string, so a newline always parts two objects or is mere white space within one that was printed over
/// several lines, which this protocol does not allow.
pub fn split_frame(frame: &str) -> impl Iterator<Item = &str> {
    frame.split('\n').map(str::trim).filter(|line| !line.is_empty())
}
