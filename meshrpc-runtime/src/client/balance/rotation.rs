//! Round robin per call.

use std::sync::atomic::{AtomicU64, Ordering};

/// Slots of a schedule at most, so that weights like 1000 and 999 do not build a long one.
const MAX_SLOTS: u64 = 1024;

/// Counts the calls of a pool. It lives longer than any one [`Schedule`], so that a change of the
/// membership goes on where the last call was instead of favouring the first instance each time.
#[derive(Debug, Default)]
pub(crate) struct Rotation {
    calls: AtomicU64,
}

/// The order in which instances take turns: one slot each, or as many as their weight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Schedule {
    slots: Vec<u32>,
}

impl Rotation {
    /// The turn of the next call.
    pub(crate) fn turn(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }
}

impl Schedule {
    /// A schedule over instances `0..weights.len()`. Equal weights give one slot each, in order;
    /// others are spread evenly over the round. An instance of weight 0 has no slot, unless all
    /// have weight 0.
    pub(crate) fn new(weights: &[u32]) -> Self {
        let shares = shares(weights);
        if shares.iter().all(|&share| share == 1) {
            // The same as below, which takes the square of the instances' number.
            let slots = 0..u32::try_from(shares.len()).unwrap_or(u32::MAX);
            return Self {
                slots: slots.collect(),
            };
        }
        let total: i64 = shares.iter().sum();
        let mut credit = vec![0_i64; shares.len()];
        let slots = (0..total).filter_map(|_| {
            // Each earns its share, the richest pays for the slot: the smoothest spread there is.
            credit
                .iter_mut()
                .zip(&shares)
                .for_each(|(credit, share)| *credit += share);
            let richest = (0..credit.len()).rev().max_by_key(|&index| credit[index])?;
            credit[richest] -= total;
            u32::try_from(richest).ok()
        });
        Self {
            slots: slots.collect(),
        }
    }

    /// How many rounds were over before `turn`.
    pub(crate) fn rounds(&self, turn: u64) -> u64 {
        turn / self.slots.len().max(1) as u64
    }

    /// The instances from the one whose turn it is; each may occur several times.
    pub(crate) fn beginning_at(&self, turn: u64) -> impl Iterator<Item = usize> {
        let length = self.slots.len();
        // An empty schedule yields nothing; the divisor only has to be sound.
        let first = (turn % length.max(1) as u64) as usize;
        (0..length).map(move |step| self.slots[(first + step) % length] as usize)
    }
}

/// Weights in lowest terms, scaled down to [`MAX_SLOTS`] in all.
fn shares(weights: &[u32]) -> Vec<i64> {
    let mut weights: Vec<u64> = weights.iter().map(|&weight| weight.into()).collect();
    if weights.iter().all(|&weight| weight == 0) {
        weights.fill(1);
    }
    let total: u64 = weights.iter().sum();
    let budget = MAX_SLOTS.max(weights.len() as u64);
    let divisor = weights
        .iter()
        .copied()
        .fold(0, greatest_common_divisor)
        .max(1);
    let share = |weight: u64| {
        if weight == 0 || total / divisor <= budget {
            weight / divisor
        } else {
            // Product of a u32 and at most a list's length: no overflow.
            (weight * budget / total).max(1)
        }
    };
    weights
        .into_iter()
        .map(|weight| share(weight) as i64)
        .collect()
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn take(schedule: &Schedule, rotation: &Rotation) -> usize {
        schedule.beginning_at(rotation.turn()).next().unwrap()
    }

    #[test]
    fn three_hundred_calls_over_three_instances_go_in_turn() {
        let (rotation, schedule) = (Rotation::default(), Schedule::new(&[1, 1, 1]));
        for call in 0..300 {
            assert_eq!(take(&schedule, &rotation), call % 3);
        }
    }

    #[test]
    fn weights_share_a_round_and_are_spread_over_it() {
        assert_eq!(Schedule::new(&[2, 1]).slots, [0, 1, 0]);
        assert_eq!(Schedule::new(&[100, 100]).slots, [0, 1]);
        assert_eq!(Schedule::new(&[1, 0]).slots, [0]);
        assert_eq!(Schedule::new(&[0, 0]).slots, [0, 1]);
        assert!(Schedule::new(&[]).slots.is_empty());
        assert!(Schedule::new(&[u32::MAX, u32::MAX - 1, 1]).slots.len() <= 1027);
    }

    proptest! {
        /// However often the membership changes, calls between two changes are shared exactly:
        /// no two instances differ by more than one.
        #[test]
        fn shares_are_exact_between_changes(
            phases in prop::collection::vec((1_usize..9, 0_usize..60), 1..12),
        ) {
            let rotation = Rotation::default();
            for (instances, calls) in phases {
                let schedule = Schedule::new(&vec![1; instances]);
                let mut counts = vec![0; instances];
                (0..calls).for_each(|_| counts[take(&schedule, &rotation)] += 1);
                let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
                prop_assert!(most - least <= 1, "{counts:?}");
            }
        }

        /// A membership that changes after every call does not favour the first instance.
        #[test]
        fn a_change_does_not_begin_at_the_first_again(instances in 2_usize..8) {
            let rotation = Rotation::default();
            let mut first = 0;
            for round in 0..100 {
                // Two orders of change between lists of the same length.
                let schedule = Schedule::new(&vec![1 + round % 2; instances]);
                first += usize::from(take(&schedule, &rotation) == 0);
            }
            prop_assert!(first <= 100 / instances + 1);
        }

        #[test]
        fn a_round_holds_each_instance_by_its_weight(weights in prop::collection::vec(1_u32..6, 1..8)) {
            let schedule = Schedule::new(&weights);
            let count = |index| schedule.beginning_at(0).filter(|&slot| slot == index).count();
            for index in 1..weights.len() {
                prop_assert_eq!(
                    count(index) as u32 * weights[0],
                    count(0) as u32 * weights[index],
                );
            }
        }
    }
}
