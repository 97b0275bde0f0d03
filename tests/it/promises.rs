//! The table of promises names tests that exist.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

#[test]
fn every_test_in_the_table_of_promises_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("docs/promises.md")).unwrap();
    let named = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .filter_map(|line| line.split('|').nth(2))
        .flat_map(|tests| tests.split('`').skip(1).step_by(2));
    let named: Vec<&str> = named.collect();
    assert!(named.len() > 40);
    let mut tests = HashSet::new();
    for room in [
        "tests",
        "client",
        "domain",
        "eventlog",
        "graphql",
        "loadgen",
        "projections",
        "src",
    ] {
        collect(&root.join(room), &mut tests);
    }
    let missing: Vec<&&str> = named.iter().filter(|name| !tests.contains(**name)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}

/// Names of the functions that stand directly below a test's attribute.
fn collect(dir: &Path, tests: &mut HashSet<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") {
            collect(&path, tests);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim_start) {
                if line.starts_with("#[tokio::test") || line == "#[test]" {
                    is_test = true;
                } else if !line.starts_with("#[") {
                    let name = line
                        .strip_prefix("async ")
                        .unwrap_or(line)
                        .strip_prefix("fn ")
                        .and_then(|rest| rest.split('(').next());
                    if let (true, Some(name)) = (is_test, name) {
                        tests.insert(name.to_owned());
                    }
                    is_test = false;
                }
            }
        }
    }
}
