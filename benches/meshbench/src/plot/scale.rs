//! Logarithmic axes.

use crate::results::Spread;

/// From numbers to places, each factor as far as the next.
pub(super) struct Scale {
    least: f64,
    greatest: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// Room for all of `numbers`, which are above zero, between two places. `None` if there are none.
    pub(super) fn over(numbers: impl Iterator<Item = f64>, from: f64, to: f64) -> Option<Self> {
        let Spread { min, max, .. } = Spread::of(numbers)?;
        Some(Self {
            least: min.ln() - 0.2,
            greatest: max.ln() + 0.2,
            from,
            to,
        })
    }

    /// The place of a number.
    pub(super) fn at(&self, number: f64) -> f64 {
        let share = (number.ln() - self.least) / (self.greatest - self.least);
        self.from + share * (self.to - self.from)
    }

    pub(super) fn from(&self) -> f64 {
        self.from
    }

    pub(super) fn to(&self) -> f64 {
        self.to
    }

    pub(super) fn middle(&self) -> f64 {
        f64::midpoint(self.from, self.to)
    }

    /// Powers of ten, with what they are called; on a short axis numbers between them as well.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let short = self.greatest - self.least < 100_f64.ln();
        let steps: &[f64] = if short { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let powers = (-6..12).map(|power| 10_f64.powi(power));
        let numbers = powers.flat_map(|power| steps.iter().map(move |step| step * power));
        numbers
            .filter(|number| (self.least..=self.greatest).contains(&number.ln()))
            .map(|number| (self.at(number), label(number)))
            .collect()
    }
}

fn label(number: f64) -> String {
    match number {
        n if n >= 0.99e9 => format!("{:.0} G", n / 1e9),
        n if n >= 0.99e6 => format!("{:.0} M", n / 1e6),
        n if n >= 0.99e3 => format!("{:.0} k", n / 1e3),
        n if n >= 0.99 => format!("{n:.0}"),
        n => format!("{}", (n * 1e6).round() / 1e6),
    }
}
