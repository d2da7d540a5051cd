//! The corpus counted, form by form, as its source says: the proportions are those of the traits
//! that it stands for.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::corpus::Corpus;

/// A form, the share of traits that has it among programs, in percent, and how far from that the
/// corpus may be.
const FORMS: &[(&str, u32, u32)] = &[
    ("style: async_trait", 74, 4),
    ("style: native async", 11, 4),
    ("style: sync", 8, 3),
    ("style: impl Future", 6, 3),
    ("style: boxed", 1, 1),
    ("async with sync methods", 25, 5),
    ("used as dyn", 53, 10),
    ("errors: own, with sources", 44, 5),
    ("errors: own, plain data", 14, 4),
    ("errors: anyhow", 12, 4),
    ("errors: own, serde", 6, 3),
    ("errors: foreign", 6, 3),
    ("errors: Box<dyn Error>", 5, 3),
    ("errors: associated or generic", 4, 3),
    ("errors: none", 4, 4),
    ("errors: other", 3, 2),
    ("borrowed arguments", 50, 6),
    ("plain returns", 17, 6),
    ("default bodies", 12, 5),
    ("associated types", 7, 3),
    ("streams", 6, 3),
    ("&mut self", 5, 3),
    ("foreign supertraits", 3, 2),
    ("generic methods", 3, 3),
    ("trait generics", 2, 2),
    ("self: Arc<Self>", 1, 1),
    ("other attribute macros", 15, 5),
    ("#[cfg] on methods", 3, 2),
    ("async_trait by cfg_attr or path", 5, 4),
    ("private", 2, 3),
    ("raw identifiers", 2, 4),
    ("local", 10, 8),
    ("oneway", 1, 2),
    ("skip", 2, 3),
    ("with", 1, 2),
];

#[test]
fn the_corpus_has_the_forms_of_real_traits_in_their_proportions() {
    let corpus = Corpus::read();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for found in &corpus.traits {
        for form in corpus.forms(found) {
            let known = FORMS.iter().find(|(name, ..)| *name == form);
            let (name, ..) = known.unwrap_or_else(|| panic!("`{form}` is not in the table"));
            *counts.entry(*name).or_default() += 1;
        }
    }
    let total = corpus.traits.len() as u32;
    let methods: usize = corpus
        .traits
        .iter()
        .map(|found| found.methods().count())
        .sum();
    let mut table = format!("{total} traits, {methods} methods\n\n");
    let mut wrong = String::new();
    for (form, share, tolerance) in FORMS {
        let count = counts.get(form).copied().unwrap_or_default();
        let percent = (100 * count + total / 2) / total;
        writeln!(table, "{form:32} {count:3} {percent:4} % of {share:2} %").expect("to a string");
        if count == 0 || percent.abs_diff(*share) > *tolerance {
            writeln!(wrong, "{form}: {count}, {percent} %, not {share} %").expect("to a string");
        }
    }
    println!("{table}");
    assert!(total >= 60, "{total} traits are too few");
    assert!(wrong.is_empty(), "other proportions:\n{wrong}\n{table}");
    let committed = include_str!("census.txt");
    assert_eq!(
        committed, table,
        "census.txt tells of another corpus: this is the new one"
    );
}
