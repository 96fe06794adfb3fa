//! The `hopline` command.
fn main() {}
