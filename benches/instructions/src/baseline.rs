//! What the scenarios took, and where.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    fs,
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// Instructions by scenario.
#[derive(Debug, Serialize, Deserialize)]
pub struct Baseline {
    /// Where they were counted.
    pub platform: Platform,
    instructions: BTreeMap<String, u64>,
}

/// What the number of instructions depends on besides the program.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Platform {
    compiler: String,
    target: String,
    library: String,
    valgrind: String,
    /// The widest vectors that copying and checksums find.
    vectors: String,
}

/// A scenario now and then.
#[derive(Debug)]
pub enum Change<'a> {
    /// It was not there.
    New { name: &'a str, now: u64 },
    /// It is not there any more.
    Gone { name: &'a str },
    /// It takes `ratio` times as many.
    By { name: &'a str, now: u64, ratio: f64 },
}

impl Baseline {
    /// Of counts that were taken here.
    pub fn new(platform: Platform, counts: Vec<(&str, u64)>) -> Self {
        let counts = counts
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count));
        Self {
            platform,
            instructions: counts.collect(),
        }
    }

    /// From a file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is no baseline", path.display()))
    }

    /// To a file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }

    /// The number of scenarios.
    pub fn len(&self) -> usize {
        self.instructions.len()
    }

    /// What changed since `then`.
    pub fn since<'a>(&'a self, then: &'a Self) -> impl Iterator<Item = Change<'a>> {
        let known =
            self.instructions
                .iter()
                .map(|(name, &now)| match then.instructions.get(name) {
                    Some(&then) => Change::By {
                        name,
                        now,
                        ratio: now as f64 / then as f64,
                    },
                    None => Change::New { name, now },
                });
        let before = then.instructions.keys();
        let gone = before.filter(|name| !self.instructions.contains_key(*name));
        known.chain(gone.map(|name| Change::Gone { name }))
    }
}

impl Platform {
    /// This one.
    pub fn here() -> Result<Self> {
        let version = said("rustc", &["-vV"])?;
        let line = |name: &str| {
            let line = version.lines().find_map(|line| line.strip_prefix(name));
            line.map(str::to_owned)
                .with_context(|| format!("rustc does not say its {name}"))
        };
        Ok(Self {
            compiler: line("release: ")?,
            target: line("host: ")?,
            library: said("getconf", &["GNU_LIBC_VERSION"])?,
            valgrind: said("valgrind", &["--version"])?,
            vectors: vectors().to_owned(),
        })
    }

    /// In what it differs from another one, if it does.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let pairs = [
            ("rustc", &self.compiler, &other.compiler),
            ("target", &self.target, &other.target),
            ("library", &self.library, &other.library),
            ("valgrind", &self.valgrind, &other.valgrind),
            ("vectors", &self.vectors, &other.vectors),
        ];
        let differ = pairs.iter().filter(|(_, here, there)| here != there);
        let differences: Vec<String> = differ
            .map(|(what, here, there)| format!("{what} {there}, here {here}"))
            .collect();
        (!differences.is_empty()).then(|| differences.join("; "))
    }
}

impl Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New { name, now } => write!(f, "{name:<28} {now:>12}  new"),
            Self::Gone { name } => write!(f, "{name:<28} {:>12}  gone", "–"),
            Self::By { name, now, ratio } => {
                write!(f, "{name:<28} {now:>12}  {:+.2} %", (ratio - 1.0) * 100.0)
            }
        }
    }
}

/// As far as valgrind shows them to a program.
fn vectors() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx2") {
            return "avx2";
        }
        if std::is_x86_feature_detected!("avx") {
            return "avx";
        }
    }
    "baseline"
}

fn said(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("`{program}` cannot be run"))?;
    ensure!(output.status.success(), "`{program}` failed");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
