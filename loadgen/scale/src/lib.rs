//! How Tidings behaves with many connections and long logs.
