use std::fs;

use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use super::{CommandStore as _, FileStore, Kept, OpenError, StoreError};

const ANN: Uuid = Uuid::from_u128(1);
const BEN: Uuid = Uuid::from_u128(2);

fn command(number: u128) -> Kept {
    let id = Uuid::from_u128(number);
    let frame = json!({ "type": "message.send", "id": id, "conversation": BEN, "text": "a\nb" });
    Kept::read(&frame.to_string()).unwrap()
}

fn commands(numbers: impl IntoIterator<Item = u128>) -> Vec<Kept> {
    numbers.into_iter().map(command).collect()
}

struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("commands")
    }

    fn open(&self, bytes_max: usize) -> FileStore {
        FileStore::open(self.path(), ANN, bytes_max).unwrap()
    }

    /// A store that was given these commands, and was closed.
    fn with(numbers: impl IntoIterator<Item = u128>) -> Self {
        let scene = Self::new();
        let mut store = scene.open(1 << 20);
        for kept in commands(numbers) {
            store.put(&kept).unwrap();
        }
        store.sync().unwrap();
        scene
    }

    fn kept(&self) -> Vec<Kept> {
        self.open(1 << 20).kept()
    }
}

#[test]
fn what_was_put_and_not_removed_is_there_again_in_its_order() {
    let scene = Scene::with([5, 3, 4, 1]);
    let mut store = scene.open(1 << 20);
    store.remove(&[Uuid::from_u128(4), Uuid::from_u128(99)]);
    store.put(&command(3)).unwrap();
    store.put(&command(2)).unwrap();
    store.sync().unwrap();
    assert_eq!(store.kept(), commands([5, 3, 1, 2]));
    assert_eq!(store.kept()[0].conversation(), Some(BEN));
    drop(store);
    assert_eq!(scene.kept(), commands([5, 3, 1, 2]));
}

#[test]
fn a_torn_end_costs_only_what_was_being_written() {
    let whole = {
        let scene = Scene::with([1, 2]);
        fs::read(scene.path()).unwrap()
    };
    let first = {
        let scene = Scene::with([1]);
        fs::read(scene.path()).unwrap().len()
    };
    for end in first..whole.len() {
        let scene = Scene::new();
        fs::write(scene.path(), &whole[..end]).unwrap();
        let mut store = scene.open(1 << 20);
        // Without its line's end it is whole all the same.
        let expected = if end + 1 == whole.len() { 2 } else { 1 };
        assert_eq!(store.kept(), commands(1..=expected), "cut at {end}");
        store.put(&command(7)).unwrap();
        store.sync().unwrap();
        drop(store);
        assert_eq!(scene.kept(), commands((1..=expected).chain([7])), "cut at {end}");
    }
}

#[test]
fn damage_costs_the_line_that_it_is_in() {
    let scene = Scene::with([1, 2, 3]);
    let mut bytes = fs::read(scene.path()).unwrap();
    let third = bytes.len() / 2;
    bytes[third] ^= 1;
    fs::write(scene.path(), bytes).unwrap();
    assert_eq!(scene.kept(), commands([1, 3]));
}

#[test]
fn a_full_store_takes_nothing_until_something_was_answered() {
    let scene = Scene::new();
    let one = super::line_bytes(&command(1).frame);
    let mut store = scene.open(3 * one);
    for kept in commands(1..=3) {
        store.put(&kept).unwrap();
    }
    assert_eq!(store.put(&command(4)), Err(StoreError::Full));
    store.sync().unwrap();
    store.remove(&[Uuid::from_u128(2)]);
    store.put(&command(4)).unwrap();
    store.sync().unwrap();
    assert_eq!(store.kept(), commands([1, 3, 4]));
}

#[test]
fn the_file_stays_within_twice_the_limit() {
    let scene = Scene::new();
    let one = super::line_bytes(&command(1).frame);
    let mut store = scene.open(4 * one);
    for number in 1..500 {
        store.put(&command(number)).unwrap();
        store.sync().unwrap();
        store.remove(&[Uuid::from_u128(number - 1)]);
        let bytes = fs::metadata(scene.path()).unwrap().len();
        assert!(bytes <= 8 * one as u64 + 100, "{bytes} bytes after {number}");
    }
    drop(store);
    assert_eq!(scene.kept(), commands([499]));
}

#[test]
fn one_program_at_a_time_has_it_and_one_user_for_ever() {
    let scene = Scene::with([1]);
    let store = scene.open(1 << 20);
    let open = |user| FileStore::open(scene.path(), user, 1 << 20);
    assert!(matches!(open(ANN), Err(OpenError::InUse)));
    drop(store);
    assert!(matches!(open(BEN), Err(OpenError::OtherUser)));
    assert_eq!(scene.kept(), commands([1]));
}

#[test]
fn what_is_no_store_stays_as_it_is() {
    let scene = Scene::new();
    for other in ["something else\n", "tidings-commands 2 x\n"] {
        fs::write(scene.path(), other).unwrap();
        let opened = FileStore::open(scene.path(), ANN, 1 << 20);
        assert!(matches!(opened, Err(OpenError::Foreign)));
        assert_eq!(fs::read_to_string(scene.path()).unwrap(), other);
    }
    fs::write(scene.path(), "").unwrap();
    assert_eq!(scene.kept(), []);
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::with([1]);
    let mode = fs::metadata(scene.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}
