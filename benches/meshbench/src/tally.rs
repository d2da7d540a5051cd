//! What a run counts.

use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;

/// Calls, and how long some of them took.
#[derive(Debug)]
pub struct Tally {
    /// When it began.
    pub began: Instant,
    /// How long it went on.
    pub time: Duration,
    /// Calls that were answered as they should.
    pub calls: u64,
    latencies: Vec<u64>,
}

impl Tally {
    /// Begins now.
    pub fn begin() -> Self {
        Self {
            began: Instant::now(),
            time: Duration::ZERO,
            calls: 0,
            latencies: Vec::with_capacity(1024),
        }
    }

    /// Notes the latency of a call that was made at `sent` and is answered now.
    pub fn note(&mut self, sent: Instant) {
        self.latencies.push(sent.elapsed().as_nanos() as u64);
    }

    /// Ends now.
    pub fn end(&mut self) {
        self.time = self.began.elapsed();
    }

    /// Both, as one that lasted as long as the longer.
    pub fn join(mut self, other: Self) -> Self {
        self.time = self.time.max(other.time);
        self.calls += other.calls;
        self.latencies.extend(other.latencies);
        self
    }

    /// Calls in a second.
    pub fn rate(&self) -> f64 {
        self.calls as f64 / self.time.as_secs_f64()
    }

    /// The latencies, in nanoseconds, to three digits.
    pub fn histogram(&self) -> Result<Histogram<u64>> {
        let mut histogram = Histogram::new(3)?;
        for latency in &self.latencies {
            histogram.record(*latency)?;
        }
        Ok(histogram)
    }

    /// The latencies as if a call had been made every `interval` nanoseconds, whether or not the
    /// one before was answered: a long one then counts as all those that it kept from being made.
    pub fn corrected(&self, interval: u64) -> Result<Histogram<u64>> {
        let mut histogram = Histogram::new(3)?;
        for latency in &self.latencies {
            histogram.record_correct(*latency, interval)?;
        }
        Ok(histogram)
    }
}
