//! The figures, as a person reads them.

use std::fmt::{self, Display, Write};

use crate::{
    results::{Results, Spread},
    stacks::Stack,
    workload::Workload,
};

/// A column: the figure, how it is called, and what it is divided by.
type Column = (&'static str, &'static str, f64);

const CALLS: &[Column] = &[
    ("calls_per_s", "calls/s", 1.0),
    ("p50_us", "p50 µs", 1.0),
    ("p99_us", "p99 µs", 1.0),
    ("p999_us", "p999 µs", 1.0),
    ("client_cpu_us", "client CPU µs", 1.0),
    ("server_cpu_us", "server CPU µs", 1.0),
    ("client_peak_kib", "client MiB", 1024.0),
    ("server_peak_kib", "server MiB", 1024.0),
    ("syscalls", "syscalls", 1.0),
    ("client_allocations", "client allocs", 1.0),
    ("server_allocations", "server allocs", 1.0),
    ("value_allocations", "of values", 1.0),
    ("added_allocations", "beyond these", 1.0),
];
const BODIES: &[Column] = &[
    ("bytes_per_s", "GiB/s", (1_u64 << 30) as f64),
    ("p50_us", "p50 ms", 1e3),
    ("p99_us", "p99 ms", 1e3),
    ("client_cpu_us", "client CPU ms", 1e3),
    ("server_cpu_us", "server CPU ms", 1e3),
    ("client_peak_kib", "client MiB", 1024.0),
    ("server_peak_kib", "server MiB", 1024.0),
];
const BESIDE: &[Column] = &[
    ("small_alone_p50_us", "alone p50 µs", 1.0),
    ("p50_us", "p50 µs", 1.0),
    ("p99_us", "p99 µs", 1.0),
    ("p999_us", "p999 µs", 1.0),
    ("p99_corrected_us", "p99 of all µs", 1.0),
    ("max_us", "max ms", 1e3),
    (
        "bulk_alone_bytes_per_s",
        "alone GiB/s",
        (1_u64 << 30) as f64,
    ),
    ("bytes_per_s", "GiB/s", (1_u64 << 30) as f64),
];
const IDLE: &[Column] = &[
    ("server_kib", "server KiB", 1.0),
    ("client_kib", "client KiB", 1.0),
    ("connections", "connections", 1.0),
];
const ITEMS: &[Column] = &[
    ("items_per_s", "items/s", 1.0),
    ("client_peak_kib", "client MiB", 1024.0),
    ("server_peak_kib", "server MiB", 1024.0),
];
const RING: &[Column] = &[("hop_us", "hop µs", 1.0), ("hops", "hops a call", 1.0)];

/// The figures as Markdown, which also reads well as it is: what is compared, as medians of the
/// ratios that rounds gave and their range, and then what each workload gave, as medians.
pub fn table(results: &Results) -> String {
    let mut text = String::new();
    for (name, value) in &results.machine {
        let _ = writeln!(text, "{name}: {value}  ");
    }
    text.push('\n');
    text.push_str(&aligned(&comparisons(results)));
    for workload in Workload::ALL {
        let stacks = results.stacks(workload);
        if !stacks.is_empty() {
            let _ = writeln!(text, "\n{}: {}\n", workload.name(), workload.describe());
            text.push_str(&aligned(&figures(results, workload, &stacks)));
        }
    }
    text
}

fn comparisons(results: &Results) -> Vec<Vec<String>> {
    let stacks = [
        Stack::Meshrpc,
        Stack::Tonic,
        Stack::Tarpc,
        Stack::Raw,
        Stack::Floor,
    ];
    let mut rows = vec![vec![String::new(), "to reach".to_owned()]];
    rows[0].extend(stacks.map(|stack| stack.name().to_owned()));
    let comparisons = Workload::ALL.into_iter().flat_map(Workload::comparisons);
    for comparison in comparisons {
        let spread = |stack: Stack| {
            // The ring is meshrpc's.
            let ring = comparison.workload == Workload::Ring && stack == Stack::Meshrpc;
            let stack = if ring { Stack::Ring } else { stack };
            comparison.spread(results, stack)
        };
        let spreads = stacks.map(spread);
        if spreads.iter().any(Option::is_some) {
            let name = format!("{} {}", comparison.workload.name(), comparison.name);
            let mut row = vec![name, comparison.goal.to_string()];
            row.extend(spreads.map(|spread| spread.map_or("–".to_owned(), |it| it.to_string())));
            rows.push(row);
        }
    }
    rows
}

fn figures(results: &Results, workload: Workload, stacks: &[Stack]) -> Vec<Vec<String>> {
    let columns = workload.columns();
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(columns.iter().map(|(_, title, _)| (*title).to_owned()));
    for &stack in stacks {
        let mut row = vec![stack.name().to_owned()];
        for (figure, _, unit) in columns {
            let figures = results.figure(workload, stack, figure).into_values();
            let median = Spread::of(figures).map(|spread| Figure(spread.median / unit));
            row.push(median.map_or("–".to_owned(), |median| median.to_string()));
        }
        rows.push(row);
    }
    rows
}

/// A table of Markdown, the first row being its head.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(text, "| {cell:<width$} |"),
                _ => write!(text, " {cell:>width$} |"),
            };
        }
        text.push('\n');
        if place == 0 {
            for (column, &width) in widths.iter().enumerate() {
                let _ = match column {
                    0 => write!(text, "|{:-<1$}|", "", width + 2),
                    _ => write!(text, "{:-<1$}:|", "", width + 1),
                };
            }
            text.push('\n');
        }
    }
    text
}

impl Workload {
    fn columns(self) -> &'static [Column] {
        match self {
            Self::W1 | Self::W2 | Self::W3 => CALLS,
            Self::W4 | Self::W5 => BODIES,
            Self::W6 => BESIDE,
            Self::W7 => IDLE,
            Self::W8 => ITEMS,
            Self::Ring => RING,
        }
    }
}

impl Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, min, max } = self;
        write!(f, "{median:.2} ({min:.2}–{max:.2})")
    }
}

/// Three digits that count.
pub struct Figure(pub f64);

impl Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            less if less < 0.0 => format!("{less:.1}"),
            large if large >= 1e6 => format!("{:.2} M", large / 1e6),
            large if large >= 1e4 => format!("{:.0} k", large / 1e3),
            small if small < 10.0 => format!("{small:.2}"),
            small => format!("{small:.1}"),
        };
        f.pad(&text)
    }
}
