//! The server's rooms, as docs/ARCHITECTURE.md orders them: what a file of one names of another lies below it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What files outside `wire` that know the protocol may know of the domain: names for things, and no rules.
const NAMES: [&str; 4] = ["ConversationId", "CommandId", "Cursor", "UserId"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Each room with how high it lies. The lowest may know each other.
fn levels() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let (_, list) = text.split_once("### Inside the server").unwrap();
    let (list, _) = list.split_once("`tests/it/rooms.rs`").unwrap();
    let lines = list.lines().filter_map(|line| line.split_once(". "));
    let numbered = lines.filter_map(|(number, rest)| Some((number.parse().ok()?, rest)));
    let mut levels = BTreeMap::new();
    for (level, rest) in numbered {
        let (rooms, _) = rest.split_once(':').unwrap();
        for room in rooms.split('`').skip(1).step_by(2) {
            assert!(levels.insert(room.to_owned(), level).is_none(), "{room} twice");
        }
    }
    levels
}

/// Every source file below a folder, by its path there, with its text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut dirs = vec![folder.to_owned()];
    let mut files = vec![];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(folder).unwrap().to_owned();
                files.push((inside, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files
}

/// Every file of the server with its room and its text.
fn files() -> Vec<(String, PathBuf, String)> {
    let files = sources(&root().join("src")).into_iter().map(|(file, text)| {
        let first = file.components().next().unwrap().as_os_str().to_str().unwrap();
        (first.trim_end_matches(".rs").to_owned(), file, text)
    });
    files
        .filter(|(room, ..)| room != "lib" && room != "main")
        .collect()
}

/// The names that follow each `prefix` in the text, those of a group in braces one by one.
fn named<'a>(text: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let word = |rest: &'a str| {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        &rest[..end.unwrap_or(rest.len())]
    };
    let mut names = BTreeSet::new();
    for (place, _) in text.match_indices(prefix) {
        let rest = &text[place + prefix.len()..];
        match rest.strip_prefix('{') {
            // Of a nested path only the last names are taken, which is more than enough to be noticed.
            Some(group) => {
                let group = &group[..group.find("};").unwrap_or(group.len())];
                names.extend(group.split([',', '{', '}']).map(|name| word(name.trim())));
            }
            None => {
                names.insert(word(rest));
            }
        }
    }
    names.remove("");
    names
}

#[test]
fn no_room_of_the_server_knows_one_above_it() {
    let levels = levels();
    let files = files();
    let mut uphill = vec![];
    for (room, file, text) in &files {
        let level = levels
            .get(room)
            .unwrap_or_else(|| panic!("ARCHITECTURE.md does not say where `{room}` lies"));
        for other in named(text, "crate::").into_iter().filter(|other| other != room) {
            match levels.get(other) {
                Some(below) if below < level || (*level == 1 && *below == 1) => {}
                Some(_) => uphill.push(format!("{} -> {other}", file.display())),
                None => panic!("{} names `{other}`, which is no room", file.display()),
            }
        }
    }
    assert!(uphill.is_empty(), "uphill: {uphill:#?}");
    let rooms: BTreeSet<&String> = files.iter().map(|(room, ..)| room).collect();
    let gone: Vec<_> = levels.keys().filter(|room| !rooms.contains(room)).collect();
    assert!(gone.is_empty(), "ARCHITECTURE.md speaks of {gone:?}");
}

#[test]
fn only_wire_knows_the_protocol_and_the_rules_of_the_domain() {
    let mut both = vec![];
    for (room, file, text) in files() {
        if room == "wire" || !text.contains("tidings_protocol::") {
            continue;
        }
        let rules: Vec<_> = named(&text, "tidings_domain::")
            .into_iter()
            .filter(|name| !NAMES.contains(name))
            .map(str::to_owned)
            .collect();
        if !rules.is_empty() {
            both.push(format!("{}: {rules:?}", file.display()));
        }
    }
    assert!(both.is_empty(), "{both:#?}");
}

/// The lines of a text that begin a statement.
fn statements(text: &str) -> impl Iterator<Item = &str> {
    let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE FROM ", "WITH "];
    let begins = move |part: &str| verbs.iter().any(|verb| part.starts_with(verb));
    text.lines()
        .filter(move |line| line.split('"').skip(1).any(begins))
}

#[test]
fn statements_stand_in_files_of_their_own() {
    let mut inside = vec![];
    for (room, file, text) in files() {
        let tests = file
            .components()
            .any(|part| ["tests", "tests.rs"].contains(&part.as_os_str().to_str().unwrap()));
        if !tests {
            inside
                .extend(statements(&text).map(|line| format!("{room}: {}: {}", file.display(), line.trim())));
        }
    }
    assert!(inside.is_empty(), "{inside:#?}");
}
