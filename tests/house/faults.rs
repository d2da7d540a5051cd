//! `docs/faults.md` names the tests of each fault, and each fault has some.

use std::{collections::BTreeMap, env, fs};

use crate::{read, report, root, sources};

const GUIDE: &str = "docs/faults.md";

/// Folders with tests of faults.
const TESTED: [&str; 3] = ["meshrpc-runtime/src", "meshrpc-runtime/tests", "tests"];

#[test]
fn every_fault_names_its_tests_and_has_some() {
    let tests = tests();
    let guide = read(GUIDE);
    let mut complaints = Vec::new();
    let mut named = Vec::new();
    let mut written = String::new();
    for line in guide.lines() {
        let line = match case(line) {
            None => line.to_owned(),
            Some((case, rest)) => {
                named.push(case.to_owned());
                let cell = tests.get(case).map(|tests| cell(tests));
                if cell.is_none() {
                    complaints.push(format!("{GUIDE}: no test is called `fault_{case}_…`"));
                }
                format!("{rest}| {} |", cell.unwrap_or_default())
            }
        };
        written.push_str(&line);
        written.push('\n');
    }
    let unnamed = tests.keys().filter(|case| !named.contains(case));
    complaints.extend(unnamed.map(|case| format!("{GUIDE}: no row for case {case}")));
    report(&complaints);
    if env::var_os("MESHRPC_TEST_BLESS").is_some() {
        fs::write(root().join(GUIDE), written).expect("the guide can be written");
        return;
    }
    for (now, then) in written.lines().zip(guide.lines()) {
        assert_eq!(now, then, "{GUIDE}: MESHRPC_TEST_BLESS=1 writes it anew");
    }
}

/// The case that a row of the table is about, and the row without the cell of its tests.
fn case(line: &str) -> Option<(&str, &str)> {
    let (case, _) = line.strip_prefix("| ")?.split_once(" |")?;
    let (rest, _) = line.strip_suffix('|')?.rsplit_once('|')?;
    is_case(case).then_some((case, rest))
}

fn is_case(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The tests of each case: where, and their names.
fn tests() -> BTreeMap<String, Vec<(String, String)>> {
    let mut tests: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for file in TESTED.into_iter().flat_map(sources) {
        let text = read(&file);
        let names = text.split("fn fault_").skip(1);
        for name in names.filter_map(|rest| rest.split_once('(')) {
            if let Some((case, _)) = name.0.split_once('_')
                && is_case(case)
            {
                let test = (file.clone(), format!("fault_{}", name.0));
                tests.entry(case.to_owned()).or_default().push(test);
            }
        }
    }
    tests
}

fn cell(tests: &[(String, String)]) -> String {
    let lines = tests
        .iter()
        .map(|(file, name)| format!("[`{name}`](../{file})"));
    lines.collect::<Vec<_>>().join("<br>")
}
