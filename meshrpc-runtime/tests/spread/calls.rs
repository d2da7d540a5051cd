//! What subsets do to the instances.

use std::collections::{BTreeSet, VecDeque};

use fastrand::Rng;

use crate::ways::Subset;

/// What clients of equal traffic, each in turn over its subset, put on the instances.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) fewest_clients: usize,
    pub(crate) most_clients: usize,
    /// Of an instance, as parts of the mean; sorted.
    shares: Vec<f64>,
}

impl Load {
    pub(crate) fn of(subsets: &[Subset], instances: usize) -> Self {
        let (mut clients, mut shares) = (vec![0; instances], vec![0.0; instances]);
        let mean = subsets.len() as f64 / instances as f64;
        for subset in subsets {
            for &instance in subset {
                clients[instance] += 1;
                shares[instance] += 1.0 / subset.len() as f64 / mean;
            }
        }
        shares.sort_by(f64::total_cmp);
        Self {
            fewest_clients: clients.iter().copied().min().unwrap_or_default(),
            most_clients: clients.iter().copied().max().unwrap_or_default(),
            shares,
        }
    }

    pub(crate) fn least(&self) -> f64 {
        self.shares.first().copied().unwrap_or_default()
    }

    /// To what a digit shows.
    pub(crate) fn most(&self) -> f64 {
        let most = self.shares.last().copied().unwrap_or_default();
        (most * 1000.0).round() / 1000.0
    }
}

/// Time slots that a call takes to serve.
const SERVICE: usize = 20;
/// Slots that are simulated; those of the first tenth are not counted.
const SLOTS: usize = 12_000;
/// Of the time, how much an instance works if all are loaded alike.
const BUSY: f64 = 0.6;

/// How long calls take, where one takes 1 at an instance without others.
pub(crate) struct Times {
    pub(crate) mean: f64,
    /// Of a hundred calls one takes longer.
    pub(crate) high: f64,
}

/// Calls come at random, as many as keep the instances [`BUSY`]; each is one after the other with
/// its calls.
pub(crate) fn wait(subsets: &[Subset], instances: usize, least_loaded: bool) -> Times {
    let mut random = Rng::with_seed(42);
    let subsets: Vec<Vec<usize>> = subsets.iter().map(shuffled).collect();
    // In each slot a client makes a call with this probability, of 2³².
    let rate = BUSY * instances as f64 / SERVICE as f64 / subsets.len() as f64;
    let threshold = (rate * f64::from(u32::MAX)) as u32;
    // Of each instance: who called, and when.
    let mut queues: Vec<VecDeque<(usize, usize)>> = vec![VecDeque::new(); instances];
    let mut served = vec![0; instances];
    let mut under_way = vec![vec![0_u32; instances]; subsets.len()];
    let mut turns: Vec<usize> = subsets
        .iter()
        .map(|subset| random.usize(..subset.len()))
        .collect();
    let mut times = Vec::new();
    for slot in 0..SLOTS {
        for (client, subset) in subsets.iter().enumerate() {
            if random.u32(..) >= threshold {
                continue;
            }
            let instance = if least_loaded {
                let first = subset[random.usize(..subset.len())];
                let second = subset[random.usize(..subset.len())];
                match under_way[client][second] < under_way[client][first] {
                    true => second,
                    false => first,
                }
            } else {
                turns[client] += 1;
                subset[turns[client] % subset.len()]
            };
            under_way[client][instance] += 1;
            queues[instance].push_back((client, slot));
        }
        for (instance, queue) in queues.iter_mut().enumerate() {
            let Some(&(client, since)) = queue.front() else {
                continue;
            };
            served[instance] += 1;
            if served[instance] == SERVICE {
                served[instance] = 0;
                queue.pop_front();
                under_way[client][instance] -= 1;
                if since >= SLOTS / 10 {
                    times.push((slot + 1 - since) as f64 / SERVICE as f64);
                }
            }
        }
    }
    times.sort_by(f64::total_cmp);
    Times {
        mean: times.iter().sum::<f64>() / times.len() as f64,
        high: times[times.len() * 99 / 100],
    }
}

/// In an order of its own, so that clients do not go round together.
fn shuffled(subset: &BTreeSet<usize>) -> Vec<usize> {
    let mut order: Vec<usize> = subset.iter().copied().collect();
    let seed = order.iter().fold(order.len() as u64, |seed, n| {
        seed.wrapping_mul(31).wrapping_add(*n as u64)
    });
    Rng::with_seed(seed).shuffle(&mut order);
    order
}
