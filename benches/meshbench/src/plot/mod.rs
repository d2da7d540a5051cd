//! Pictures of the figures.

mod drawing;
mod scale;

use std::{fs, path::Path};

use anyhow::Result;
use drawing::{Align, Drawing};
use scale::Scale;

use crate::{
    grow::Growth,
    results::{Results, Spread},
    stacks::Stack,
    workload::Workload,
};

/// A curve's picture.
struct Picture {
    file: &'static str,
    title: &'static str,
    growth: Growth,
    across: &'static str,
    up: &'static str,
    lines: &'static [Figure],
}

/// One figure of a picture.
struct Figure {
    name: &'static str,
    unit: f64,
    /// How its line is called, where it is not by the stack.
    called: Option<&'static str>,
}

const MIB: f64 = 1_048_576.0;

const PICTURES: &[Picture] = &[
    Picture {
        file: "connections.svg",
        title: "Memory of a server with idle connections",
        growth: Growth::Connections,
        across: "connections",
        up: "resident MiB",
        lines: &[Figure::of("server_resident_kib", 1024.0)],
    },
    Picture {
        file: "in-flight.svg",
        title: "Small calls on one connection",
        growth: Growth::InFlight,
        across: "calls in flight",
        up: "calls/s",
        lines: &[Figure::of("calls_per_s", 1.0)],
    },
    Picture {
        file: "in-flight-p99.svg",
        title: "Latency of small calls on one connection",
        growth: Growth::InFlight,
        across: "calls in flight",
        up: "99th percentile, µs",
        lines: &[Figure::of("p99_us", 1.0)],
    },
    Picture {
        file: "put.svg",
        title: "A body to the server, one at a time",
        growth: Growth::Put,
        across: "bytes",
        up: "MiB/s",
        lines: &[Figure::of("bytes_per_s", MIB)],
    },
    Picture {
        file: "get.svg",
        title: "A body from the server, one at a time",
        growth: Growth::Get,
        across: "bytes",
        up: "MiB/s",
        lines: &[Figure::of("bytes_per_s", MIB)],
    },
    Picture {
        file: "instances.svg",
        title: "A call within one process, over the number of instances",
        growth: Growth::Instances,
        across: "instances",
        up: "µs",
        lines: &[
            Figure::called("turn_us", "call, in turn"),
            Figure::called("session_us", "call, by session"),
            Figure::called("order_us", "order of a session alone"),
        ],
    },
];

/// Draws everything there are figures of, into SVG files of a directory.
pub fn plot(results: &Results, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    for picture in PICTURES {
        let lines = picture.lines(results);
        if let Some(drawing) = picture.draw(&lines) {
            fs::write(directory.join(picture.file), drawing.finish())?;
        }
    }
    if let Some(drawing) = ratios(&rows(results)) {
        fs::write(directory.join("ratios.svg"), drawing.finish())?;
    }
    Ok(())
}

/// One line of a picture.
struct Line {
    name: &'static str,
    colour: &'static str,
    points: Vec<(f64, f64)>,
}

impl Figure {
    const fn of(name: &'static str, unit: f64) -> Self {
        Self {
            name,
            unit,
            called: None,
        }
    }

    const fn called(name: &'static str, called: &'static str) -> Self {
        Self {
            name,
            unit: 1.0,
            called: Some(called),
        }
    }
}

impl Picture {
    fn lines(&self, results: &Results) -> Vec<Line> {
        let mut lines = Vec::new();
        for (figure, own) in self.lines.iter().zip(COLOURS) {
            for stack in Stack::ALL {
                let ours = results.growth.iter();
                let ours = ours.filter(|grown| grown.growth == self.growth && grown.stack == stack);
                let point = |grown: &crate::results::Grown| {
                    let figure = grown.figures.get(figure.name)? / figure.unit;
                    (figure > 0.0).then_some((grown.at as f64, figure))
                };
                let points: Vec<_> = ours.filter_map(point).collect();
                if !points.is_empty() {
                    lines.push(Line {
                        name: figure.called.unwrap_or(stack.name()),
                        colour: if figure.called.is_some() {
                            own
                        } else {
                            colour(stack)
                        },
                        points,
                    });
                }
            }
        }
        lines
    }

    /// `None` if there is nothing to draw.
    fn draw(&self, lines: &[Line]) -> Option<Drawing> {
        const WIDTH: f64 = 760.0;
        const HEIGHT: f64 = 420.0;
        let points = || lines.iter().flat_map(|line| &line.points);
        let x = Scale::over(points().map(|point| point.0), 70.0, WIDTH - 130.0)?;
        let y = Scale::over(points().map(|point| point.1), HEIGHT - 50.0, 40.0)?;
        let mut drawing = Drawing::new(WIDTH, HEIGHT);
        drawing.text((WIDTH / 2.0, 22.0), Align::Middle, self.title);
        drawing.text((x.middle(), HEIGHT - 10.0), Align::Middle, self.across);
        drawing.text((8.0, 30.0), Align::Start, self.up);
        for (at, label) in x.ticks() {
            drawing.line((at, y.from()), (at, y.to()), "#e4e4e4", 1.0);
            drawing.text((at, y.from() + 18.0), Align::Middle, &label);
        }
        for (at, label) in y.ticks() {
            drawing.line((x.from(), at), (x.to(), at), "#e4e4e4", 1.0);
            drawing.text((x.from() - 6.0, at + 4.0), Align::End, &label);
        }
        for (place, line) in lines.iter().enumerate() {
            let points: Vec<_> = line
                .points
                .iter()
                .map(|at| (x.at(at.0), y.at(at.1)))
                .collect();
            for pair in points.windows(2) {
                drawing.line(pair[0], pair[1], line.colour, 2.0);
            }
            for point in points {
                drawing.dot(point, line.colour);
            }
            let at = (WIDTH - 116.0, 50.0 + 20.0 * place as f64);
            drawing.dot((at.0, at.1 - 4.0), line.colour);
            drawing.text((at.0 + 10.0, at.1), Align::Start, line.name);
        }
        Some(drawing)
    }
}

/// A stack in a comparison.
struct Row {
    name: String,
    stack: Stack,
    spread: Spread,
    /// What meshrpc is to reach.
    goal: f64,
}

fn rows(results: &Results) -> Vec<Row> {
    let mut rows = Vec::new();
    for workload in Workload::ALL {
        for comparison in workload.comparisons() {
            for stack in results.stacks(workload) {
                let spread = comparison.spread(results, stack);
                if let Some(spread) = spread.filter(|spread| spread.min > 0.0) {
                    let (workload, what) = (workload.name(), comparison.name);
                    rows.push(Row {
                        name: format!("{workload} {what}: {}", stack.name()),
                        stack,
                        spread,
                        goal: comparison.goal.bound(),
                    });
                }
            }
        }
    }
    rows
}

/// Every stack in every comparison: the median, from the least to the greatest, and what meshrpc is
/// to reach.
fn ratios(rows: &[Row]) -> Option<Drawing> {
    const WIDTH: f64 = 860.0;
    const ROW: f64 = 18.0;
    let figures = rows
        .iter()
        .flat_map(|row| [row.spread.min, row.spread.max, row.goal]);
    let x = Scale::over(figures, 350.0, WIDTH - 20.0)?;
    let bottom = 20.0 + ROW * rows.len() as f64;
    let mut drawing = Drawing::new(WIDTH, bottom + 30.0);
    for (at, label) in x.ticks() {
        drawing.line((at, 10.0), (at, bottom), "#e4e4e4", 1.0);
        drawing.text((at, bottom + 18.0), Align::Middle, &label);
    }
    for (place, row) in rows.iter().enumerate() {
        let y = 20.0 + ROW * place as f64;
        let Spread { median, min, max } = row.spread;
        let goal = x.at(row.goal);
        drawing.text((342.0, y + 4.0), Align::End, &row.name);
        drawing.line((goal, y - ROW / 2.0), (goal, y + ROW / 2.0), "#000000", 1.5);
        drawing.line((x.at(min), y), (x.at(max), y), colour(row.stack), 2.0);
        drawing.dot((x.at(median), y), colour(row.stack));
    }
    Some(drawing)
}

const COLOURS: [&str; 5] = ["#1f77b4", "#d62728", "#ff7f0e", "#2ca02c", "#7f7f7f"];

fn colour(stack: Stack) -> &'static str {
    match stack {
        Stack::Meshrpc | Stack::Ring => COLOURS[0],
        Stack::Tonic => COLOURS[1],
        Stack::Tarpc => COLOURS[2],
        Stack::Raw => COLOURS[3],
        Stack::Floor => COLOURS[4],
    }
}
