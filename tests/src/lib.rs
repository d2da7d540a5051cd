//! Holds nothing: the tests are targets of their own.
