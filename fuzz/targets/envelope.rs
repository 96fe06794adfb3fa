#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hopline_fuzz::envelope(bytes));
