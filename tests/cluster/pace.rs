//! The rule of dials: after the n-th failure in a row anything from nothing to 50 ms × 2ⁿ, at most
//! 10 s, is waited.

use std::time::Duration;

/// Upper bounds of the first wait and of every one.
const BOUNDS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));

/// The clock's grain.
pub(crate) const GRAIN: Duration = Duration::from_millis(2);

/// How long was waited, as parts of what might have been.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    parts: Vec<f64>,
}

impl Pace {
    /// So much was waited after so many failures before.
    pub(crate) fn waited(&mut self, waited: Duration, failures: u32) -> Result<(), String> {
        let bound = BOUNDS.0.saturating_mul(1 << failures.min(16)).min(BOUNDS.1);
        if waited > bound + GRAIN {
            return Err(format!(
                "waits {waited:?} after {failures} failures, and not {bound:?}"
            ));
        }
        // What is shorter than the clock's grain would be measured as something else.
        if bound > GRAIN * 100 {
            self.parts.push(waited.as_secs_f64() / bound.as_secs_f64());
        }
        Ok(())
    }

    pub(crate) fn add(&mut self, other: &Pace) {
        self.parts.extend(&other.parts);
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// The share of waits that were shorter than this part of their bound: about the part itself, if
    /// any wait is as likely as any other.
    pub(crate) fn shorter_than(&self, part: f64) -> f64 {
        let shorter = self.parts.iter().filter(|&&waited| waited < part).count();
        shorter as f64 / self.parts.len() as f64
    }
}
