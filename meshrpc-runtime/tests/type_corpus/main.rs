//! The types that programs have, each with generated values: through every codec they read back
//! equal, or are refused by name. `docs/types.md` has the outcomes, and is held against them here.

mod asymmetric;
mod attributes;
mod bytes;
mod crates;
mod flatten;
mod harness;
mod maps;
mod numbers;
mod options;
mod shapes;
mod standard;
mod table;
mod tagging;

use std::sync::OnceLock;

use harness::Corpus;

/// The part of the corpus with this title, run once.
type Topic = (&'static str, fn() -> &'static Corpus);

macro_rules! topics {
    ($($test:ident: $module:ident, $title:literal;)*) => {
        const TOPICS: &[Topic] = &[$(($title, $module)),*];

        $(fn $module() -> &'static Corpus {
            static RUN: OnceLock<Corpus> = OnceLock::new();
            RUN.get_or_init(|| {
                let mut corpus = Corpus::default();
                $module::add(&mut corpus);
                corpus
            })
        }

        #[test]
        fn $test() {
            $module().assert_never_a_wrong_value();
        })*
    };
}

topics! {
    attributes_of_structs: attributes, "Attributes of structs and fields";
    enums_and_their_tags: tagging, "Enums and their tags";
    flattened_fields: flatten, "Flattened fields";
    options_of_options: options, "Options";
    numbers_to_the_last_bit: numbers, "Numbers";
    bytes_and_elements_without_bytes: bytes, "Bytes, and elements without bytes";
    maps_and_their_keys: maps, "Maps and their keys";
    types_of_the_standard_library: standard, "The standard library";
    types_of_other_crates: crates, "Other crates";
    recursive_and_generic_types: shapes, "Recursive and generic types";
    types_that_are_written_differently_than_read: asymmetric, "Written differently than read";
}
