//! How evenly clients that each connect to a part of the instances load them: by the way they choose
//! their part, by its size, and by the way they choose for each call. Everything is seeded, and the
//! tables of `docs/balancing.md` are held against it; `MESHRPC_TEST_BLESS=1` writes them anew.

mod calls;
mod ways;

use std::{env, fmt::Write as _, fs, path::Path};

use calls::{Load, wait};
use meshrpc::client::balance::Balancing;
use ways::Way;

/// Instances of the deployment.
const INSTANCES: usize = 200;
const CLIENTS: [usize; 2] = [50, 500];
const SIZES: [usize; 5] = [10, 20, 50, 100, INSTANCES];

/// The tables of the guide.
#[test]
fn the_guide_has_the_figures() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/balancing.md");
    let guide = fs::read_to_string(&path).expect("the guide can be read");
    let mut written = guide.clone();
    for (mark, table) in [("spread", spread()), ("waits", waits())] {
        let (begin, end) = (
            format!("<!-- written by the test `spread`: {mark} -->\n"),
            "<!-- end -->",
        );
        let (before, rest) = written.split_once(&begin).expect("the guide has the table");
        let (_, after) = rest.split_once(end).expect("the table has an end");
        written = format!("{before}{begin}{table}{end}{after}");
    }
    if env::var_os("MESHRPC_TEST_BLESS").is_some() {
        fs::write(&path, written).expect("the guide can be written");
        return;
    }
    for (now, then) in written.lines().zip(guide.lines()) {
        assert_eq!(
            now, then,
            "docs/balancing.md: MESHRPC_TEST_BLESS=1 writes it anew"
        );
    }
}

/// What the default is taken for: it leaves no instance with more than it should have.
#[test]
fn the_default_subset_loads_instances_evenly() {
    let size = Balancing::default().subset;
    for clients in CLIENTS {
        let load = Load::of(
            &Way::Rendezvous.subsets(clients, INSTANCES, size),
            INSTANCES,
        );
        assert!(load.most() <= 1.0, "{clients} clients: {load:?}");
    }
    // The list may be several times as long before that is lost.
    let load = Load::of(&Way::Rendezvous.subsets(50, 1000, size), 1000);
    assert!(load.most() < 2.0, "{load:?}");
}

fn spread() -> String {
    let mut table = String::from(
        "| clients | subset | how it is chosen | clients of an instance | least and most load | \
         moved by one instance more |\n|---:|---:|---|---:|---:|---:|\n",
    );
    for clients in CLIENTS {
        for size in SIZES {
            for way in Way::ALL {
                if size == INSTANCES && way != Way::Rendezvous {
                    continue;
                }
                let subsets = way.subsets(clients, INSTANCES, size);
                let load = Load::of(&subsets, INSTANCES);
                let after = way.subsets(clients, INSTANCES + 1, size);
                let moved: usize = subsets
                    .iter()
                    .zip(&after)
                    .map(|(before, after)| before.difference(after).count())
                    .sum();
                let total = clients * size;
                let name = match size {
                    INSTANCES => "all",
                    _ => way.name(),
                };
                let _ = writeln!(
                    table,
                    "| {clients} | {size} | {name} | {}–{} | {:.2}–{:.2} | {:.1} % |",
                    load.fewest_clients,
                    load.most_clients,
                    load.least(),
                    load.most(),
                    100.0 * moved as f64 / total as f64,
                );
            }
        }
    }
    table
}

fn waits() -> String {
    let mut table = String::from(
        "| clients | subset | round robin: mean, 99th percentile | least loaded of two |\n\
         |---:|---:|---:|---:|\n",
    );
    for clients in CLIENTS {
        for size in SIZES {
            let subsets = Way::Rendezvous.subsets(clients, INSTANCES, size);
            let cell = |least_loaded| {
                let times = wait(&subsets, INSTANCES, least_loaded);
                format!("{:.1}, {:.1}", times.mean, times.high)
            };
            let _ = writeln!(
                table,
                "| {clients} | {size} | {} | {} |",
                cell(false),
                cell(true)
            );
        }
    }
    table
}
