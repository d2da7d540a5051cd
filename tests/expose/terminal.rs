//! The question, on a terminal.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    process::{Child, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};

use meshrpc_tests::command::CAP;
use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use crate::project::Project;

/// The command, with a terminal for its stdin and stderr.
struct Asked {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl Asked {
    fn start(project: &Project, arguments: &[&str]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("it is ours");
        unlockpt(&ours).expect("it can be opened");
        let size = Winsize {
            ws_row: 40,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&ours, size).expect("it has a size");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let theirs = open(name.as_c_str(), flags, Mode::empty()).expect("its other end");
        let screen = theirs.try_clone().expect("it can be shared");
        let child = project
            .command(arguments)
            .env("TERM", "xterm")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::from(screen))
            .spawn()
            .expect("it starts");
        let keyboard = File::from(ours);
        let mut from = keyboard.try_clone().expect("it can be shared");
        let (sender, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Reading fails once nobody has the other end open.
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            keyboard,
            screen,
            seen: String::new(),
        }
    }

    #[track_caller]
    fn sees(&mut self, words: &str) {
        while !self.seen.contains(words) {
            match self.screen.recv_timeout(CAP) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("no `{words}` in {}", self.seen),
            }
            // Where the cursor is: what a terminal answers.
            if let Some(at) = self.seen.find("\u{1b}[6n") {
                self.seen.replace_range(at..at + 4, "");
                self.types(b"\x1b[1;1R");
            }
        }
    }

    fn types(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).expect("it is typed");
    }

    fn ends(mut self) -> (ExitStatus, String) {
        while let Ok(bytes) = self.screen.recv_timeout(CAP) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        (self.child.wait().expect("it ends"), self.seen)
    }
}

fn answered(keys: &[u8]) -> (Option<i32>, bool, String) {
    let project = Project::new();
    let mut asked = Asked::start(&project, &[]);
    asked.sees("Write these files?");
    assert!(asked.seen.contains("Actions to be committed"));
    asked.types(keys);
    let (status, seen) = asked.ends();
    let written = project.path("src/greeter_client_gen.rs").exists();
    assert_eq!(written, project.path("src/greeter_handler_gen.rs").exists());
    assert!(!project.path(".meshrpc-expose").exists());
    (status.code(), written, seen)
}

#[test]
fn yes_writes() {
    let (code, written, seen) = answered(b"y\r");
    assert!(written && code == Some(0), "{code:?} {seen}");
    assert!(seen.contains("2 files written"), "{seen}");
}

#[test]
fn enter_alone_means_yes() {
    let (code, written, seen) = answered(b"\r");
    assert!(written && code == Some(0), "{code:?} {seen}");
}

#[test]
fn no_writes_nothing() {
    let (code, written, seen) = answered(b"n\r");
    assert!(!written && code == Some(1), "{code:?} {seen}");
    assert!(seen.contains("nothing was written"), "{seen}");
}

#[test]
fn control_c_and_escape_write_nothing() {
    for key in [b"\x03", b"\x1b"] {
        let (code, written, seen) = answered(key);
        assert!(!written && code == Some(1), "{code:?} {seen}");
        assert!(seen.contains("nothing was written"), "{seen}");
    }
}

#[test]
fn json_asks_nothing_on_a_terminal_either() {
    let project = Project::new();
    let asked = Asked::start(&project, &["--message-format", "json"]);
    let (status, seen) = asked.ends();
    assert_eq!(status.code(), Some(2), "{seen}");
    assert!(!project.path("src/greeter_client_gen.rs").exists());
}
