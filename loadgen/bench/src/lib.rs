//! How fast Tidings accepts and delivers.
