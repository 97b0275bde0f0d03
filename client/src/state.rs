//! How a connection is.

/// How far the connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// A connection is being opened.
    Connecting,
    /// It stands, and what was missed is coming.
    CatchingUp,
    /// All that was missed has come.
    Live,
    /// It was lost, and the next try waits.
    Waiting,
    /// It does not come back.
    Ended,
}
