//! An upgrade of one instance after the other, under calls of old and of new clients.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use meshrpc_tests::process::eventually;

use crate::{Calls, call, environment, folder, read, serve};

const INSTANCES: usize = 3;

/// Calls again and again until it is dropped.
struct Load {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

/// What may come of calls of one side: of each, by change and call, and what methods may be called
/// with.
#[derive(Default)]
struct Allowed {
    outcomes: BTreeMap<(String, String), BTreeSet<String>>,
    received: BTreeSet<String>,
}

#[tokio::test]
async fn fault_40_a_rolling_upgrade_serves_a_call_as_one_of_the_versions_does_or_refuses_it() {
    let folder = folder();
    let folder = folder.path();
    let (old, new) = tokio::join!(serve(folder, "old", "old"), serve(folder, "new", "new"));
    let mut of_old = Allowed::default();
    let mut of_new = Allowed::default();
    for server in ["old", "new"] {
        of_old.add(&call(folder, "old", server).await);
        of_new.add(&call(folder, "new", server).await);
    }
    // Methods are called by both.
    let received: BTreeSet<String> = of_old.received.union(&of_new.received).cloned().collect();
    drop((old, new));

    let mut instances = Vec::new();
    for _ in 0..INSTANCES {
        instances.push(serve(folder, "old", "shop").await);
    }
    let loads = [Load::start(folder, "old"), Load::start(folder, "new")];
    go_on(&loads).await;
    for _ in 0..INSTANCES {
        let stopped = instances.remove(0);
        stopped.terminate();
        assert!(stopped.ended().await.success());
        instances.push(serve(folder, "new", "shop").await);
        go_on(&loads).await;
    }

    for (load, allowed) in loads.into_iter().zip([of_old, of_new]) {
        let lines = load.stop();
        let mut seen: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for line in lines.iter().filter(|line| !line.starts_with("round ")) {
            let (change, call, (outcome, arguments)) = read(line);
            for argument in arguments.split(" / ").filter(|text| !text.is_empty()) {
                assert!(
                    received.contains(argument),
                    "a method got {argument}: {line}"
                );
            }
            seen.entry((change, call)).or_default().insert(outcome);
        }
        for (call, outcomes) in &seen {
            let allowed = &allowed.outcomes[call];
            assert!(
                outcomes.is_subset(allowed),
                "{call:?} came to {outcomes:#?}, and without an upgrade to {allowed:#?}"
            );
        }
        assert_eq!(seen.len(), allowed.outcomes.len(), "calls that were made");
        let both = seen.values().filter(|outcomes| outcomes.len() > 1).count();
        assert!(both > 5, "{both} calls met both versions");
    }
}

/// Waits until every change has been called twice since.
async fn go_on(loads: &[Load]) {
    let rounds: Vec<usize> = loads.iter().map(Load::rounds).collect();
    eventually("calls go on", async || {
        let mut loads = loads.iter().zip(&rounds);
        loads.all(|(load, before)| load.rounds() >= before + 3)
    })
    .await;
}

impl Load {
    fn start(folder: &Path, side: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_evolution"))
            .args(["load", side, "shop"])
            .envs(environment(folder))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a client can be started");
        let stdout = child.stdout.take().expect("it was asked for");
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let collected = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let mut lines = collected.lock().unwrap_or_else(PoisonError::into_inner);
                lines.push(line);
            }
        });
        Self { child, lines }
    }

    fn rounds(&self) -> usize {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .filter(|line| line.starts_with("round "))
            .count()
    }

    /// The whole lines that it has printed.
    fn stop(self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.clone()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Allowed {
    fn add(&mut self, calls: &Calls) {
        for (change, call, (outcome, received)) in calls {
            let call = (change.clone(), call.clone());
            self.outcomes
                .entry(call)
                .or_default()
                .insert(outcome.clone());
            let received = received.split(" / ").filter(|text| !text.is_empty());
            self.received.extend(received.map(str::to_owned));
        }
    }
}
