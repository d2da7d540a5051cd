//! What appears: lines of many processes, each with its name in front.

use std::{
    collections::HashMap,
    env,
    io::{self, IsTerminal, Write},
};

use anstyle::{AnsiColor, Style};

/// Where lines go. Shared by the threads that read what services write.
#[derive(Debug)]
pub(super) struct Screen {
    prefixes: HashMap<String, Prefix>,
    quiet: bool,
    colours: Colours,
}

/// The stream of a service, and where its lines go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

#[derive(Debug)]
struct Prefix {
    plain: String,
    coloured: String,
}

#[derive(Debug)]
struct Colours {
    stdout: bool,
    stderr: bool,
}

/// The name under which `up` speaks itself.
const UP: &str = "up";

const PALETTE: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Yellow,
    AnsiColor::Blue,
    AnsiColor::BrightCyan,
];

impl Screen {
    pub(super) fn new(instances: impl Iterator<Item = String>, quiet: bool) -> Self {
        let names: Vec<String> = instances.collect();
        let width = names
            .iter()
            .map(String::len)
            .max()
            .unwrap_or(0)
            .max(UP.len());
        let styles = PALETTE.into_iter().cycle().map(AnsiColor::on_default);
        let mut prefixes: HashMap<_, _> = names
            .into_iter()
            .zip(styles)
            .map(|(name, style)| {
                let prefix = Prefix::new(&name, width, style);
                (name, prefix)
            })
            .collect();
        prefixes.insert(UP.to_owned(), Prefix::new(UP, width, Style::new().bold()));
        Self {
            prefixes,
            quiet,
            colours: Colours::detect(),
        }
    }

    /// Writes one line of a service, which has no line end.
    ///
    /// # Errors
    /// If nobody reads any more.
    pub(super) fn line(&self, instance: &str, stream: Stream, text: &[u8]) -> io::Result<()> {
        let coloured = match stream {
            Stream::Stdout => self.colours.stdout,
            Stream::Stderr => self.colours.stderr,
        };
        let mut line = Vec::with_capacity(text.len() + 64);
        if let Some(prefix) = self.prefixes.get(instance) {
            let prefix = if coloured {
                &prefix.coloured
            } else {
                &prefix.plain
            };
            line.extend_from_slice(prefix.as_bytes());
        }
        line.extend_from_slice(text);
        line.push(b'\n');
        // One write, so that lines of different streams of one terminal do not mix.
        match stream {
            Stream::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(&line)?;
                stdout.flush()
            }
            Stream::Stderr => io::stderr().lock().write_all(&line),
        }
    }

    /// Says something of the ordinary course.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            self.warn(text);
        }
    }

    /// Says something that went wrong.
    pub(super) fn warn(&self, text: &str) {
        // Without stderr there is nobody to tell.
        let _ = self.line(UP, Stream::Stderr, text.as_bytes());
    }

    /// Shows a command as it is to be pasted.
    pub(super) fn paste(&self, command: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "    {command}");
        }
    }
}

impl Prefix {
    fn new(name: &str, width: usize, style: Style) -> Self {
        let padding = " ".repeat(width - name.len());
        Self {
            plain: format!("{name}{padding} | "),
            coloured: format!("{style}{name}{padding} |{style:#} "),
        }
    }
}

impl Colours {
    /// Only for a terminal that can show them, and nobody who does not want them.
    fn detect() -> Self {
        let wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
        Self {
            stdout: wanted && io::stdout().is_terminal(),
            stderr: wanted && io::stderr().is_terminal(),
        }
    }
}
