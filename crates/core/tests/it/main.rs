//! Routers and dealers from outside: one suite over each transport, and hostile peers.

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

mod hostile;
mod liveness;
mod lives;
mod messages;
mod peers;
mod queues;
mod raw;
mod rig;
