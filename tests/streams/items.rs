//! What items are worth at the other end.
