//! The broker dialect, held against brains under virtual time.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

mod clients;
mod mesh;
mod requests;
