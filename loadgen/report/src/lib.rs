//! How measurements are gathered, printed, stored and drawn.
