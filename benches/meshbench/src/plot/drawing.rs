//! Scalable vector graphics.

use std::fmt::Write;

/// Lines, dots and words.
pub(super) struct Drawing {
    width: f64,
    height: f64,
    shapes: String,
}

/// On which side of its place a word stands.
#[derive(Clone, Copy)]
pub(super) enum Align {
    Start,
    Middle,
    End,
}

impl Drawing {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            shapes: String::new(),
        }
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, width: f64) {
        // A String takes everything.
        let _ = writeln!(
            self.shapes,
            r#"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="{colour}" stroke-width="{width}"/>"#,
            from.0, from.1, to.0, to.1
        );
    }

    pub(super) fn dot(&mut self, at: (f64, f64), colour: &str) {
        let _ = writeln!(
            self.shapes,
            r#"<circle cx="{:.1}" cy="{:.1}" r="3.5" fill="{colour}"/>"#,
            at.0, at.1
        );
    }

    /// Nothing in `words` needs escaping.
    pub(super) fn text(&mut self, at: (f64, f64), align: Align, words: &str) {
        let anchor = match align {
            Align::Start => "start",
            Align::Middle => "middle",
            Align::End => "end",
        };
        let _ = writeln!(
            self.shapes,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="{anchor}">{words}</text>"#,
            at.0, at.1
        );
    }

    /// The file.
    pub(super) fn finish(self) -> String {
        let Self {
            width,
            height,
            shapes,
        } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{shapes}</svg>\n"
        )
    }
}
