//! Migrations are embedded, so the crate is built again when one of them comes or changes.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
}
