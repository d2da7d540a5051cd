//! What must not break when something does.
