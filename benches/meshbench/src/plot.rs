//! Pictures of the figures.

use std::{fs, ops::Range, path::Path};

use anyhow::{Context, Result, anyhow};
use plotters::{
    coord::combinators::IntoLogRange,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{
    grow::Growth,
    results::{Results, Spread},
    stacks::Stack,
    workload::Workload,
};

const SIZE: (u32, u32) = (760, 440);
const FONT: &str = "sans-serif";

/// A curve's picture.
struct Picture {
    file: &'static str,
    title: &'static str,
    growth: Growth,
    across: &'static str,
    up: &'static str,
    /// Name of the figure, what it is divided by, and how the line is called, where it is not the
    /// stack's.
    lines: &'static [(&'static str, f64, Option<&'static str>)],
}

const PICTURES: &[Picture] = &[
    Picture {
        file: "connections",
        title: "Memory of a server with idle connections",
        growth: Growth::Connections,
        across: "connections",
        up: "resident MiB",
        lines: &[("server_resident_kib", 1024.0, None)],
    },
    Picture {
        file: "in-flight",
        title: "Small calls on one connection",
        growth: Growth::InFlight,
        across: "calls in flight",
        up: "calls/s",
        lines: &[("calls_per_s", 1.0, None)],
    },
    Picture {
        file: "in-flight-p99",
        title: "Latency of small calls on one connection",
        growth: Growth::InFlight,
        across: "calls in flight",
        up: "p99 µs",
        lines: &[("p99_us", 1.0, None)],
    },
    Picture {
        file: "put",
        title: "A body to the server, one at a time",
        growth: Growth::Put,
        across: "bytes",
        up: "MiB/s",
        lines: &[("bytes_per_s", 1_048_576.0, None)],
    },
    Picture {
        file: "get",
        title: "A body from the server, one at a time",
        growth: Growth::Get,
        across: "bytes",
        up: "MiB/s",
        lines: &[("bytes_per_s", 1_048_576.0, None)],
    },
    Picture {
        file: "instances",
        title: "A call within one process, over the number of instances",
        growth: Growth::Instances,
        across: "instances",
        up: "µs",
        lines: &[
            ("turn_us", 1.0, Some("call, in turn")),
            ("session_us", 1.0, Some("call, by session")),
            ("order_us", 1.0, Some("order of a session alone")),
        ],
    },
];

/// Draws everything there are figures of, into SVG files of a directory.
pub fn plot(results: &Results, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    for picture in PICTURES {
        let lines = picture.points(results);
        if !lines.is_empty() {
            let file = directory.join(picture.file).with_extension("svg");
            picture
                .draw(&file, &lines)
                .map_err(|error| anyhow!("{error}"))?;
        }
    }
    let file = directory.join("ratios.svg");
    ratios(results, &file).map_err(|error| anyhow!("{error}"))
}

/// One line of a picture: its name, its colour, its points.
type Line = (String, RGBColor, Vec<(f64, f64)>);

impl Picture {
    fn points(&self, results: &Results) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for (index, (figure, unit, name)) in self.lines.iter().enumerate() {
            for stack in Stack::ALL {
                let points: Vec<(f64, f64)> = results
                    .growth
                    .iter()
                    .filter(|grown| grown.growth == self.growth && grown.stack == stack)
                    .filter_map(|grown| Some((grown.at as f64, grown.figures.get(*figure)? / unit)))
                    .collect();
                if !points.is_empty() {
                    let name = name.unwrap_or(stack.name()).to_owned();
                    let colour = match self.lines.len() {
                        1 => colour(stack),
                        _ => COLOURS[index % COLOURS.len()],
                    };
                    lines.push((name, colour, points));
                }
            }
        }
        lines
    }

    fn draw(&self, file: &Path, lines: &[Line]) -> Result<(), Box<dyn std::error::Error>> {
        let all = || lines.iter().flat_map(|(_, _, points)| points);
        let across = range(all().map(|point| point.0)).context("no points")?;
        let up = range(all().map(|point| point.1)).context("no points")?;
        let area = SVGBackend::new(file, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, (FONT, 18))
            .margin(12)
            .x_label_area_size(42)
            .y_label_area_size(64)
            .build_cartesian_2d(
                (across.start..across.end).log_scale(),
                (up.start / 1.5..up.end * 1.5).log_scale(),
            )?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc(self.across)
            .y_desc(self.up)
            .x_label_formatter(&|value| count(*value))
            .y_label_formatter(&|value| count(*value))
            .label_style((FONT, 13))
            .draw()?;
        for (name, colour, points) in lines {
            let colour = *colour;
            chart
                .draw_series(LineSeries::new(
                    points.iter().copied(),
                    colour.stroke_width(2),
                ))?
                .label(name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2))
                });
            chart.draw_series(points.iter().map(|&at| Circle::new(at, 3, colour.filled())))?;
        }
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.8))
            .label_font((FONT, 13))
            .position(SeriesLabelPosition::UpperLeft)
            .draw()?;
        area.present()?;
        Ok(())
    }
}

/// A line of the picture of ratios.
struct Row {
    name: String,
    stack: Stack,
    spread: Spread,
    goal: f64,
}

/// Every stack in every workload, relative to what the workload is compared with.
fn ratios(results: &Results, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let rows = rows(results);
    let figures = |row: &Row| [row.spread.min, row.spread.max, row.goal];
    let Some(across) = range(rows.iter().flat_map(figures)) else {
        return Ok(());
    };
    let size = (SIZE.0 + 160, 60 + 20 * rows.len() as u32);
    let area = SVGBackend::new(file, size).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(300)
        .build_cartesian_2d(
            (across.start / 1.2..across.end * 1.2).log_scale(),
            (0.0..rows.len() as f64).step(1.0),
        )?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .y_labels(0)
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|value| count(*value))
        .label_style((FONT, 13))
        .draw()?;
    let style = (FONT, 13)
        .into_text_style(&area)
        .pos(Pos::new(HPos::Right, VPos::Center));
    for (place, row) in rows.iter().rev().enumerate() {
        let (at, colour) = (place as f64 + 0.5, colour(row.stack));
        let Spread { median, min, max } = row.spread;
        chart.draw_series([PathElement::new(
            [(row.goal, at - 0.4), (row.goal, at + 0.4)],
            BLACK.stroke_width(1),
        )])?;
        chart.draw_series([PathElement::new(
            [(min, at), (max, at)],
            colour.stroke_width(2),
        )])?;
        chart.draw_series([Circle::new((median, at), 4, colour.filled())])?;
        let (_, y) = chart.backend_coord(&(median, at));
        area.draw_text(&row.name, &style, (305, y))?;
    }
    area.present()?;
    Ok(())
}

fn rows(results: &Results) -> Vec<Row> {
    let mut rows = Vec::new();
    for workload in Workload::ALL {
        for comparison in workload.comparisons() {
            for stack in results.stacks(workload) {
                if let Some(spread) = comparison.spread(results, stack) {
                    rows.push(Row {
                        name: format!(
                            "{} {}: {}",
                            workload.name(),
                            comparison.what(),
                            stack.name()
                        ),
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

const COLOURS: [RGBColor; 5] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 39, 40),
    RGBColor(255, 127, 14),
    RGBColor(44, 160, 44),
    RGBColor(127, 127, 127),
];

fn colour(stack: Stack) -> RGBColor {
    match stack {
        Stack::Meshrpc | Stack::Ring => COLOURS[0],
        Stack::Tonic => COLOURS[1],
        Stack::Tarpc => COLOURS[2],
        Stack::Raw => COLOURS[3],
        Stack::Floor => COLOURS[4],
    }
}

/// From the least to the greatest, if there are any.
fn range(figures: impl Iterator<Item = f64>) -> Option<Range<f64>> {
    let spread = Spread::of(figures.filter(|figure| *figure > 0.0))?;
    Some(spread.min..spread.max)
}

/// A number with few digits.
fn count(value: f64) -> String {
    match value {
        v if v >= 1e9 => format!("{:.0}G", v / 1e9),
        v if v >= 1e6 => format!("{:.0}M", v / 1e6),
        v if v >= 1e3 => format!("{:.0}k", v / 1e3),
        v if v >= 1.0 => format!("{v:.0}"),
        v => format!("{v}"),
    }
}
