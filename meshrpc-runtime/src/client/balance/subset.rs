//! Which instances of a long list a client connects to.

use std::cmp::Reverse;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Indices of the `size` names that belong to client `identity`, in no order.
///
/// Rendezvous hashing: each client takes the names with the highest scores under its own number, so
/// that an instance which comes or goes changes at most one member of any client's subset.
pub fn subset<N: AsRef<str>>(identity: u64, names: &[N], size: usize) -> Vec<usize> {
    if size >= names.len() {
        return (0..names.len()).collect();
    }
    let score = |name: &N| xxh3_64_with_seed(name.as_ref().as_bytes(), identity);
    let scores = names.iter().map(score);
    let mut order: Vec<_> = scores
        .enumerate()
        .map(|(index, score)| (Reverse(score), index))
        .collect();
    order.select_nth_unstable(size);
    order.truncate(size);
    order.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn names(instances: usize) -> Vec<String> {
        (0..instances).map(|n| format!("greeter-{n}")).collect()
    }

    fn chosen(identity: u64, names: &[String], size: usize) -> BTreeSet<&str> {
        let indices = subset(identity, names, size);
        indices.into_iter().map(|index| &*names[index]).collect()
    }

    proptest! {
        #[test]
        fn one_instance_more_changes_at_most_one_member(
            identity: u64,
            instances in 0_usize..60,
            newcomer in 0_usize..60,
            size in 1_usize..70,
        ) {
            let mut names = names(instances);
            let before: BTreeSet<String> =
                chosen(identity, &names, size).into_iter().map(str::to_owned).collect();
            prop_assert_eq!(before.len(), size.min(instances));
            names.insert(newcomer.min(instances), "greeter-new".to_owned());
            let after = chosen(identity, &names, size);
            let gone = before.iter().filter(|name| !after.contains(name.as_str())).count();
            let come = after.iter().filter(|name| !before.contains(**name)).count();
            prop_assert!(gone <= 1 && come <= 1, "{} left, {} came", gone, come);
        }
    }

    #[test]
    fn each_client_has_a_subset_of_its_own() {
        let names = names(200);
        let subsets: BTreeSet<_> = (0..50).map(|client| chosen(client, &names, 20)).collect();
        assert_eq!(subsets.len(), 50);
    }
}
