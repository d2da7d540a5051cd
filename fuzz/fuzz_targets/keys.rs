#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| meshrpc_fuzz::keys(input));
