//! The trait model of meshrpc, its checks, and everything generated from it.
