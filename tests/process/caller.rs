//! A process that calls.

use std::{
    collections::BTreeMap,
    process::{Child, ChildStdin, Command, Stdio},
    sync::PoisonError,
    thread,
};

use super::{
    eventually,
    instance::{Lines, collect},
};

/// A running client; killed when it is dropped.
pub struct Caller {
    child: Child,
    /// Its end ends the process, so that none outlives a test that is killed.
    _stdin: Option<ChildStdin>,
    stderr: Lines,
    sessions: BTreeMap<u64, String>,
}

impl Caller {
    /// Starts `command`, which prints the account and the instance of each of its sessions and then
    /// `done`, and waits until it has.
    ///
    /// # Panics
    /// If it does not.
    pub(super) async fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a client can be started");
        let (stdin, stdout) = (child.stdin.take(), collect(child.stdout.take()));
        let mut caller = Self {
            stderr: collect(child.stderr.take()),
            child,
            _stdin: stdin,
            sessions: BTreeMap::new(),
        };
        let said = || {
            stdout
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        };
        eventually("the client has called", async || {
            let ended = caller.child.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "the client ended: {ended:?}");
            said().last().is_some_and(|line| line == "done")
        })
        .await;
        let lines = said();
        let sessions = lines.iter().filter_map(|line| line.split_once(' '));
        let sessions = sessions.map(|(account, name)| (account.parse(), name.to_owned()));
        caller.sessions = sessions
            .map(|(account, name)| (account.expect("an account is a number"), name))
            .collect();
        caller
    }

    /// The instance of each account.
    pub fn sessions(&self) -> &BTreeMap<u64, String> {
        &self.sessions
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        self.child.wait().expect("a child can be waited for");
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let log = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("--- a client\n{}", log.join("\n"));
        }
    }
}
