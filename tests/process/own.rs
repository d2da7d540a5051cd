//! A test in a process of its own.

use std::{
    any::type_name,
    env,
    ffi::OsStr,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A test of this binary, to be run in a process whose environment is its own: environments are one
/// per process, tests are not.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    name: &'static str,
    wrapper: &'a [&'a str],
}

impl<'a> Own<'a> {
    /// The test that gave a closure of type `T`.
    ///
    /// # Panics
    /// If it is no test that did.
    pub fn of<T>() -> Self {
        // `binary::path::of::the_test::{{closure}}`.
        let path = type_name::<T>().trim_end_matches("::{{closure}}");
        let (_, name) = path.split_once("::").expect("a test is in a crate");
        let wrapper = &[];
        Self { name, wrapper }
    }

    /// The test's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// In a process that `wrapper` starts.
    #[must_use]
    pub fn within(self, wrapper: &'a [&'a str]) -> Self {
        Self { wrapper, ..self }
    }

    /// Runs it to its end, with these variables; those that choose a mesh are not passed on.
    ///
    /// # Panics
    /// If it fails, or takes longer than `cap`; with what it wrote.
    pub fn run(&self, variables: &[(&str, &OsStr)], cap: Duration) {
        let name = self.name;
        let mut child = self
            .command()
            .env_remove("MESHRPC_MESH")
            .env_remove("MESHRPC_INSTANCE")
            .env_remove("MESHRPC_LISTEN")
            .env_remove("MESHRPC_DEADLINE")
            .env_remove("MESHRPC_KEY_FILE")
            .env_remove("MESHRPC_TOKEN_FILE")
            .env("RUST_BACKTRACE", "0")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the test's process can be started");
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let readers = [
            thread::spawn(move || read(stdout)),
            thread::spawn(move || read(stderr)),
        ];
        let end = Instant::now() + cap;
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                break Some(status);
            }
            if Instant::now() > end {
                child.kill().expect("a child can be killed");
                child.wait().expect("a child can be waited for");
                break None;
            }
            thread::sleep(Duration::from_millis(10));
        };
        let output: String = readers
            .into_iter()
            .map(|reader| reader.join().expect("reading does not panic"))
            .collect();
        match status {
            Some(status) if status.success() => {}
            Some(status) => panic!("{name}: {status}\n{output}"),
            None => panic!("{name}: not done within {cap:?}\n{output}"),
        }
    }

    fn command(&self) -> Command {
        let binary = env::current_exe().expect("a process has a binary");
        let mut command = match self.wrapper {
            [] => Command::new(binary),
            [wrapper, arguments @ ..] => {
                let mut command = Command::new(wrapper);
                command.args(arguments).arg(binary);
                command
            }
        };
        command.args([self.name, "--exact", "--nocapture", "--test-threads=1"]);
        command
    }
}

fn read(stream: Option<impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What was read before is worth showing.
        let _ = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
