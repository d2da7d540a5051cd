//! What `docs/split-a-monolith.md` shows.

use std::fs;

use meshrpc_tests::command::workspace;

/// The guide.
pub(crate) struct Guide(String);

/// A block of code.
pub(crate) struct Block<'a> {
    /// What stands behind its fence: the language, and more.
    pub(crate) language: &'a str,
    /// What is in it.
    pub(crate) text: &'a str,
    /// The file it says it is, in a comment above it.
    pub(crate) file: Option<&'a str>,
}

/// A command line, and what it prints.
pub(crate) struct Command<'a> {
    pub(crate) line: &'a str,
    pub(crate) printed: String,
}

impl Guide {
    pub(crate) fn read() -> Self {
        let path = workspace().join("docs/split-a-monolith.md");
        Self(fs::read_to_string(path).expect("the guide is there"))
    }

    pub(crate) fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut parts = self.0.split("```");
        let mut before = parts.next().unwrap_or_default();
        while let (Some(inside), after) = (parts.next(), parts.next()) {
            let (language, text) = inside.split_once('\n').unwrap_or((inside, ""));
            let above = before.trim_end().lines().next_back().unwrap_or_default();
            let comment = above.strip_prefix("<!-- ");
            blocks.push(Block {
                language,
                text,
                file: comment.and_then(|comment| comment.strip_suffix(" -->")),
            });
            before = after.unwrap_or_default();
        }
        blocks
    }

    /// The blocks of command lines that ask the shop something, in order.
    pub(crate) fn sessions(&self) -> Vec<Vec<Command<'_>>> {
        let blocks = self.blocks().into_iter();
        blocks
            .filter(|block| block.language == "console" && block.text.contains("$ curl "))
            .map(|block| block.commands())
            .collect()
    }

    /// What an instance says where the guide shows the output of `cargo meshrpc up`.
    pub(crate) fn said_by(&self, instance: &str) -> Vec<String> {
        let lines = self.0.lines().filter_map(|line| line.split_once('|'));
        let lines = lines.filter(|(who, _)| who.trim() == instance);
        lines.map(|(_, said)| said.trim().to_owned()).collect()
    }
}

impl<'a> Block<'a> {
    fn commands(&self) -> Vec<Command<'a>> {
        let mut commands: Vec<Command<'a>> = Vec::new();
        for line in self.text.lines() {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(line), _) => commands.push(Command {
                    line,
                    printed: String::new(),
                }),
                (None, Some(command)) => {
                    command.printed.push_str(line);
                    command.printed.push('\n');
                }
                (None, None) => panic!("output of no command: {line}"),
            }
        }
        commands
    }
}
