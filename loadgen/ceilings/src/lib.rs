//! What the parts of this machine can do at best.
