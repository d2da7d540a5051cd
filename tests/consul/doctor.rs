//! What `cargo meshrpc doctor` says of a site.

use std::{
    env, fmt,
    path::Path,
    process::{Command, Output},
    sync::OnceLock,
    time::{Duration, Instant},
};

use meshrpc_tests::command;
use serde::Deserialize;
use tokio::task::spawn_blocking;

use crate::site::Site;

/// Tells a test's process where the command is.
pub(crate) const DOCTOR: &str = "MESHRPC_TEST_DOCTOR";

/// How long anything may take that the doctor has to find.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Between visits that are paid until something is found.
const PAUSE: Duration = Duration::from_millis(50);

/// What one run said, and how it ended.
pub(crate) struct Visit {
    pub(crate) code: Option<i32>,
    pub(crate) findings: Vec<Finding>,
    /// All that it printed.
    pub(crate) text: String,
}

/// One line of it.
#[derive(Deserialize)]
pub(crate) struct Finding {
    pub(crate) check: String,
    /// Empty, if it is of none.
    #[serde(default)]
    pub(crate) subject: String,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) cause: Option<String>,
    pub(crate) detail: String,
}

/// The command; it is built once for all tests of this binary.
pub(crate) fn built() -> &'static Path {
    static BUILT: OnceLock<&Path> = OnceLock::new();
    BUILT.get_or_init(|| command::build(&["cargo-meshrpc"]))
}

/// The command for the deployment `ledger` on the mesh of `url`.
pub(crate) fn command(url: &str) -> Command {
    let folder = env::var_os(DOCTOR).expect("it is built before tests run");
    let mut command = Command::new(Path::new(&folder).join("cargo-meshrpc"));
    command.args(["meshrpc", "doctor", "ledger", "--mesh", url]);
    command
}

impl Visit {
    /// Runs the command, and reads what it says to programs.
    pub(crate) async fn pay(mut command: Command) -> Self {
        command.args(["--message-format", "json"]);
        let output = spawn_blocking(move || command.output()).await;
        Self::read(&output.expect("no panic").expect("it can be run"))
    }

    fn read(output: &Output) -> Self {
        let Output { stdout, stderr, .. } = output;
        let text = String::from_utf8_lossy(&[&stdout[..], stderr].concat()).into_owned();
        let findings = text.lines().filter_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            let is_finding = line["reason"] == "finding";
            is_finding.then(|| serde_json::from_value(line).expect("a finding has these fields"))
        });
        Self {
            code: output.status.code(),
            findings: findings.collect(),
            text,
        }
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_clean(&self) -> bool {
        let wrong = self.findings.iter().any(|finding| finding.cause.is_some());
        self.code == Some(0) && !wrong && !self.findings.is_empty()
    }

    /// Whether `cause` is named for `subject`; it is "" for the agent.
    pub(crate) fn names(&self, subject: &str, cause: &str) -> bool {
        let is_it = |finding: &Finding| {
            finding.subject == subject && finding.cause.as_deref() == Some(cause)
        };
        self.findings.iter().any(is_it)
    }

    /// Whether `check` is well for `subject`; it is "" for the agent.
    pub(crate) fn is_ok(&self, check: &str, subject: &str) -> bool {
        let is_it = |finding: &Finding| {
            (&*finding.check, &*finding.subject, &*finding.status) == (check, subject, "ok")
        };
        self.findings.iter().any(is_it)
    }
}

/// How it ended, and each line but those of what is well.
impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {:?}", self.code)?;
        for finding in &self.findings {
            let Finding {
                check,
                subject,
                status,
                cause,
                detail,
            } = finding;
            if status != "ok" {
                let cause = cause.as_deref().unwrap_or("");
                write!(f, "\n{status} {check} {subject}: {cause}: {detail}")?;
            }
        }
        Ok(())
    }
}

impl Site {
    /// What the doctor says of calls from `client` to `ledger`.
    pub(crate) async fn doctor(&self) -> Visit {
        self.doctor_of("client").await
    }

    /// What the doctor says of calls from `caller` to `ledger`.
    pub(crate) async fn doctor_of(&self, caller: &str) -> Visit {
        let mut command = command(&format!("{}&as={caller}", self.url()));
        // With addresses alone it makes no difference who calls.
        if self.via != "plain" {
            command.args(["--caller", caller]);
        }
        Visit::pay(command).await
    }

    /// Waits until the doctor names `cause` for `subject`, which is "" for the agent.
    ///
    /// # Panics
    /// If it has not within `cap`.
    pub(crate) async fn named(&self, subject: &str, cause: &str, cap: Duration) -> Visit {
        let what = format!("`{cause}` of `{subject}`");
        self.found(&what, cap, |visit| visit.names(subject, cause))
            .await
    }

    /// Waits until the doctor finds nothing wrong.
    ///
    /// # Panics
    /// If it has not within `cap`.
    pub(crate) async fn well(&self, cap: Duration) -> Visit {
        self.found("nothing wrong", cap, Visit::is_clean).await
    }

    /// Waits until the doctor finds `what`.
    ///
    /// # Panics
    /// If it has not within `cap`.
    pub(crate) async fn found(
        &self,
        what: &str,
        cap: Duration,
        is_it: impl Fn(&Visit) -> bool,
    ) -> Visit {
        let end = Instant::now() + cap;
        loop {
            let visit = self.doctor().await;
            if is_it(&visit) {
                return visit;
            }
            assert!(
                Instant::now() < end,
                "not within {cap:?}: {what}; {visit:?}"
            );
            tokio::time::sleep(PAUSE).await;
        }
    }
}
