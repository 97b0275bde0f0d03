//! Seeded faults under traffic, and the checker after them.
