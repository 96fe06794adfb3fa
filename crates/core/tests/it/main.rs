//! Routers and dealers from outside: one suite over each transport, and hostile peers.
//!
//! A test that holds a scenario of the project's list says its number in its comment: `grep -rn
//! 'Scenario 69'`. The rest of the list is held by other crates.

/// Makes a test for each transport of each rule: a function that takes a [`rig::Via`].
macro_rules! over_every_transport {
    ($($rule:ident)*) => {
        mod tcp { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() { super::$rule($crate::rig::Via::Tcp).await })* }
        mod ipc { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() { super::$rule($crate::rig::Via::Ipc).await })* }
        mod mem { $(#[tokio::test]
            async fn $rule() { super::$rule($crate::rig::Via::Mem).await })* }
    };
}

mod away;
mod crowds;
mod descriptors;
mod fuzz;
mod hostile;
mod listeners;
mod liveness;
mod lives;
mod messages;
mod names;
mod peers;
mod queues;
mod raw;
mod rig;
