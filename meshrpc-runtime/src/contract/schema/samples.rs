//! Values to try while a type is traced: some types check what they read.

use super::shape::Leaf;

/// How many there are for a leaf.
pub(super) fn count(leaf: Leaf) -> usize {
    match leaf {
        Leaf::Unit => 1,
        Leaf::Bool => 2,
        Leaf::Char => CHARACTERS.len(),
        Leaf::Str => TEXTS.len(),
        Leaf::Bytes => BYTE_LENGTHS.len(),
        _ => NUMBERS.len(),
    }
}

/// That many zeros.
pub(super) fn bytes(sample: usize) -> &'static [u8] {
    &ZEROS[..BYTE_LENGTHS[sample]]
}

pub(super) const NUMBERS: [u8; 5] = [1, 0, 2, 16, 100];
pub(super) const CHARACTERS: [char; 3] = ['a', '0', 'A'];
static ZEROS: [u8; 64] = [0; 64];
const BYTE_LENGTHS: [usize; 7] = [16, 0, 4, 8, 20, 32, 64];

/// One of each kind of text that types are often made from.
pub(super) const TEXTS: [&str; 19] = [
    "",
    "a",
    "00000000-0000-0000-0000-000000000000",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "1970-01-01",
    "00:00:00",
    "http://a.example/",
    "a@b.example",
    "127.0.0.1",
    "127.0.0.1:80",
    "::1",
    "10.0.0.0/8",
    "1",
    "1.0.0",
    "00",
    "en",
    "USD",
    "Mon",
];
