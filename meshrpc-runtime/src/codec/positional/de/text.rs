//! Bytes as text.

use std::str;

/// Longer text is left to the standard library, which is fast from there on.
const SHORT: usize = 64;
/// The bits that no byte of ASCII has.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The bytes as text; `None` if they are none.
///
/// Most text is short and ASCII. The standard library goes through that byte by byte, which took a
/// quarter of the time that the reader of a stream of small items has for one.
#[inline]
pub(super) fn checked(bytes: &[u8]) -> Option<&str> {
    if bytes.len() > SHORT || !is_ascii(bytes) {
        return str::from_utf8(bytes).ok();
    }
    // SAFETY: each byte is below 0x80, and so a character of its own in UTF-8.
    #[expect(unsafe_code, reason = "nothing else makes text of ASCII")]
    Some(unsafe { str::from_utf8_unchecked(bytes) })
}

/// Whether each byte is below 0x80. Looks at all of them, eight at a time.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    let bits = match bytes.last_chunk() {
        Some(last) => {
            let (words, _) = bytes.as_chunks();
            let bits = words
                .iter()
                .fold(0, |bits, word| bits | u64::from_le_bytes(*word));
            bits | u64::from_le_bytes(*last)
        }
        None => bytes.iter().fold(0, |bits, byte| bits | u64::from(*byte)),
    };
    bits & HIGH == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Under Miri, which takes its time, some of all lengths and places.
    const STEP: usize = if cfg!(miri) { 7 } else { 1 };

    #[test]
    fn a_byte_beyond_ascii_is_seen_wherever_it_is() {
        for len in (0..=2 * SHORT).step_by(STEP) {
            let mut bytes = vec![0x7F; len];
            assert_eq!(checked(&bytes), str::from_utf8(&bytes).ok());
            for at in (0..len).step_by(STEP) {
                for byte in [0x80, 0xBF, 0xC3, 0xFF] {
                    bytes[at] = byte;
                    assert!(!is_ascii(&bytes), "{byte:#x} at {at} of {len}");
                    assert_eq!(checked(&bytes), None, "{byte:#x} at {at} of {len}");
                }
                bytes[at] = 0x7F;
            }
        }
    }

    #[test]
    fn text_of_other_letters_is_text() {
        for pad in (0..=SHORT).step_by(STEP) {
            let text = format!("{}hé\u{65e5}\u{1f600}", "x".repeat(pad));
            assert_eq!(checked(text.as_bytes()), Some(text.as_str()));
            assert_eq!(checked(&text.as_bytes()[..text.len() - 1]), None);
        }
    }
}
