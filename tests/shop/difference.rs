//! What has to change for the split.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use meshrpc_tests::command::workspace;
use similar::TextDiff;

use crate::guide::Guide;

/// Lines that may change, outside of the mains.
const AT_MOST: usize = 10;

#[test]
fn at_most_ten_lines_change_outside_of_the_mains() {
    let difference = difference();
    let changed: usize = difference.split("\n@@ ").skip(1).map(changed).sum();
    assert!(changed > 0, "nothing was compared");
    assert!(changed <= AT_MOST, "{changed} lines:\n{difference}");
}

/// Lines that change in a hunk: one that stands for another counts once.
fn changed(hunk: &str) -> usize {
    // After where it is; the header of the next file may follow.
    let lines = || {
        let lines = hunk.lines().skip(1);
        lines.take_while(|line| !line.starts_with("--- "))
    };
    let beginning = |mark: char| lines().filter(|line| line.starts_with(mark)).count();
    beginning('+').max(beginning('-'))
}

#[test]
fn the_guide_shows_what_changes() {
    let guide = Guide::read();
    let blocks = guide.blocks();
    let shown: Vec<&str> = blocks
        .iter()
        .filter(|block| block.language == "diff")
        .map(|block| block.text)
        .collect();
    let [shown] = shown.as_slice() else {
        panic!("there are {} blocks of that kind", shown.len());
    };
    let difference = difference();
    assert!(
        *shown == difference,
        "this is what changes:\n```diff\n{difference}```"
    );
}

#[test]
fn the_guide_shows_every_main_as_it_is() {
    let guide = Guide::read();
    let mut shown = BTreeSet::new();
    for block in guide.blocks() {
        let Some(file) = block.file else { continue };
        let text = fs::read_to_string(workspace().join(file)).expect("the file is there");
        assert!(block.text == text, "{file} reads:\n{text}");
        shown.insert(file.to_owned());
    }
    let mains: BTreeSet<String> = ["monolith", "split"]
        .into_iter()
        .flat_map(|state| {
            let files = files(&folder(state))
                .into_iter()
                .filter(|file| is_main(file));
            files.map(move |file| format!("examples/shop/{state}/{}", file.display()))
        })
        .collect();
    assert_eq!(shown, mains);
}

/// From the monolith to the split shop, without the mains.
fn difference() -> String {
    let (before, after) = (folder("monolith"), folder("split"));
    let both: BTreeSet<PathBuf> = files(&before).into_iter().chain(files(&after)).collect();
    let mut difference = String::new();
    for file in both.iter().filter(|file| !is_main(file)) {
        let (old, new) = (text(&before.join(file)), text(&after.join(file)));
        let diff = TextDiff::from_lines(&old, &new);
        let mut unified = diff.unified_diff();
        let name = file.display().to_string();
        let unified = unified.context_radius(1).header(&name, &name);
        write!(difference, "{unified}").expect("a string can be written");
    }
    difference
}

fn folder(state: &str) -> PathBuf {
    workspace().join("examples/shop").join(state)
}

/// All files in `folder`, seen from there.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        let entries = fs::read_dir(folder.join(&inner)).expect("it can be listed");
        for entry in entries {
            let entry = entry.expect("it can be listed");
            let path = inner.join(entry.file_name());
            match entry.path().is_dir() {
                true => folders.push(path),
                false => {
                    found.insert(path);
                }
            }
        }
    }
    found
}

fn is_main(file: &Path) -> bool {
    file == Path::new("src/main.rs") || file.starts_with("src/bin")
}

/// A file's text, empty if there is none. The names of the packages differ because they are in one
/// workspace.
fn text(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.replace("name = \"shop-monolith\"\n", "name = \"shop\"\n")
}
