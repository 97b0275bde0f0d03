//! The web bundle is embedded, so the server is built again when it changes.

fn main() {
    println!("cargo::rerun-if-changed=web/dist");
}
