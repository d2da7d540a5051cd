//! The figures, as a person reads them.

use std::fmt::{self, Display, Write};

use crate::{
    results::{Results, Spread},
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

/// All workloads of which there are results: for each stack the medians of its rounds, and the
/// medians of the ratios that rounds gave, with their range.
pub fn table(results: &Results) -> String {
    let mut text = String::new();
    for (name, value) in &results.machine {
        let _ = writeln!(text, "{name}: {value}");
    }
    for workload in Workload::ALL {
        let stacks = results.stacks(workload);
        if stacks.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{}: {}", workload.name(), workload.describe());
        for comparison in workload.comparisons() {
            let _ = writeln!(text, "  {comparison}");
            for &stack in &stacks {
                if let Some(spread) = comparison.spread(results, stack) {
                    let _ = writeln!(text, "    {:<8} {spread}", stack.name());
                }
            }
        }
        let columns = workload.columns();
        let _ = write!(text, "  {:<10}", "");
        for (_, title, _) in columns {
            let _ = write!(text, " {title:>14}");
        }
        text.push('\n');
        for stack in stacks {
            let _ = write!(text, "  {:<10}", stack.name());
            for (figure, _, unit) in columns {
                let figures = results.figure(workload, stack, figure).into_values();
                let _ = match Spread::of(figures) {
                    Some(spread) => write!(text, " {:>14}", Figure(spread.median / unit)),
                    None => write!(text, " {:>14}", "–"),
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
struct Figure(f64);

impl Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            large if large >= 1e6 => format!("{:.2} M", large / 1e6),
            large if large >= 1e4 => format!("{:.0} k", large / 1e3),
            small if small < 10.0 => format!("{small:.2}"),
            small => format!("{small:.1}"),
        };
        f.pad(&text)
    }
}
