//! Ways to choose a part of the instances.

use std::collections::BTreeSet;

use fastrand::Rng;
use meshrpc::client::balance::subset;

/// The instances of a client, by number.
pub(crate) type Subset = BTreeSet<usize>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Anybody.
    Random,
    /// Rendezvous hashing: what a client does.
    Rendezvous,
    /// Neighbours on a ring from a place of the client's own.
    Ring,
    /// Rendezvous hashing over half as many again; those stay that say they have the fewest clients.
    Reported,
    /// Clients are numbered, and each round of them shares out one shuffled list.
    Numbered,
}

impl Way {
    pub(crate) const ALL: [Way; 5] = [
        Way::Random,
        Way::Rendezvous,
        Way::Ring,
        Way::Reported,
        Way::Numbered,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Way::Random => "at random",
            Way::Rendezvous => "rendezvous",
            Way::Ring => "neighbours on a ring",
            Way::Reported => "the emptiest of 1.5 ×",
            Way::Numbered => "numbered clients",
        }
    }

    /// The subsets of clients that come one after the other.
    pub(crate) fn subsets(self, clients: usize, instances: usize, size: usize) -> Vec<Subset> {
        let names: Vec<String> = (0..instances).map(|n| format!("greeter-{n}")).collect();
        let mut random = Rng::with_seed(4711);
        let identities: Vec<u64> = (0..clients).map(|_| random.u64(..)).collect();
        let mut held = vec![0_usize; instances];
        let choose = |(number, identity): (usize, u64)| -> Subset {
            match self {
                Way::Random => {
                    let mut all: Vec<usize> = (0..instances).collect();
                    Rng::with_seed(identity ^ instances as u64).shuffle(&mut all);
                    all.into_iter().take(size).collect()
                }
                Way::Rendezvous => subset(identity, &names, size).into_iter().collect(),
                Way::Ring => {
                    let mut ring: Vec<(usize, usize)> = (0..instances)
                        .map(|n| (Rng::with_seed(n as u64).usize(..), n))
                        .collect();
                    ring.sort_unstable();
                    let own = identity as usize;
                    let start = ring.partition_point(|(place, _)| *place < own);
                    let walk = ring.iter().cycle().skip(start).take(size.min(instances));
                    walk.map(|(_, n)| *n).collect()
                }
                Way::Reported => {
                    let mut candidates = subset(identity, &names, size + size / 2);
                    candidates.sort_by_key(|&n| (held[n], n));
                    candidates.truncate(size);
                    candidates.iter().for_each(|&n| held[n] += 1);
                    candidates.into_iter().collect()
                }
                Way::Numbered => {
                    let parts = (instances / size).max(1);
                    let mut round: Vec<usize> = (0..instances).collect();
                    Rng::with_seed((number / parts) as u64).shuffle(&mut round);
                    let part = round.into_iter().skip(number % parts * size);
                    part.take(size).collect()
                }
            }
        };
        identities.into_iter().enumerate().map(choose).collect()
    }
}
