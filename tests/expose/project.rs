//! A project of its own, and the command run in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use tempfile::TempDir;

pub(crate) const TRAIT: &str = r#"
/// Greets.
#[meshrpc::mesh_service(exposed)]
pub trait Greeter {
    /// Greets `name`.
    async fn greet(&self, name: &str) -> Result<String, String>;
}
"#;

/// A project in a folder of its own.
pub(crate) struct Project(TempDir);

impl Project {
    /// With one trait in `src/desk.rs`.
    pub(crate) fn new() -> Self {
        let project = Self(TempDir::new().expect("a temporary folder"));
        project.put("Cargo.toml", &manifest("post", ""));
        project.put("src/lib.rs", "mod desk;\nmod front { mod office; }\n");
        project.put("src/desk.rs", TRAIT);
        project.put("src/front/office.rs", "");
        project
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    pub(crate) fn put(&self, file: &str, text: &str) {
        let path = self.path(file);
        let folder = path.parent().expect("it has one");
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .expect("it is written");
    }

    pub(crate) fn get(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(["meshrpc", "expose"])
            .args(arguments)
            .current_dir(self.0.path())
            .env("NO_COLOR", "1");
        command
    }

    pub(crate) fn expose(&self, arguments: &[&str]) -> Ran {
        Ran(self.command(arguments).output().expect("it starts"))
    }

    /// `cargo check` of the project, with the versions of this workspace.
    pub(crate) fn check(&self) -> Ran {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        fs::copy(workspace.join("Cargo.lock"), self.path("Cargo.lock")).expect("it is copied");
        let output = Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--offline"])
            .current_dir(self.0.path())
            .env("CARGO_TARGET_DIR", workspace.join("target/expose-test"))
            .output()
            .expect("cargo starts");
        Ran(output)
    }
}

/// A manifest whose package depends on this workspace's runtime.
pub(crate) fn manifest(name: &str, more: &str) -> String {
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../meshrpc-runtime");
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nmeshrpc = {{ package = \"meshrpc-runtime\", path = {runtime:?} }}\n{more}"
    )
}

pub(crate) struct Ran(pub(crate) Output);

impl Ran {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(
            self.0.status.code(),
            Some(code),
            "{}{}",
            self.stdout(),
            self.stderr()
        );
        self
    }

    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr().contains(words), "{}", self.stderr());
        self
    }

    #[track_caller]
    pub(crate) fn stdout_has(self, words: &str) -> Self {
        assert!(self.stdout().contains(words), "{}", self.stdout());
        self
    }

    /// The only error that the compiler reported has these words.
    #[track_caller]
    pub(crate) fn is_one_error(&self, words: &str) {
        let stderr = self.stderr();
        let errors: Vec<_> = stderr
            .lines()
            .filter(|line| line.starts_with("error") && !line.contains("could not compile"))
            .collect();
        assert_eq!(errors.len(), 1, "{stderr}");
        assert!(errors[0].contains(words), "{stderr}");
    }
}

/// The command, built by cargo beside this test.
fn binary() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| meshrpc_tests::command::build(&["cargo-meshrpc"]).join("cargo-meshrpc"))
}
