//! Durations as users write them.

use std::time::Duration;

/// What is expected, for messages.
pub(super) const EXPECTED: &str = "a whole number above 0 with `ms`, `s` or `m`";

/// Reads `500ms`, `10s`, `2m`; `None` for anything else, and for nothing at all.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok().filter(|&number| number != 0)?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        _ => None,
    }
}
