//! A stranger that writes its own bytes.

use hopline_core::Endpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::rig::{Rig, soon};

pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    pub(crate) async fn dial(rig: &Rig) -> Self {
        let Endpoint::Tcp { host, port } = &rig.endpoint else { panic!("not tcp") };
        Self(soon(TcpStream::connect((host.as_str(), *port))).await.expect("connected"))
    }

    /// A stranger of ZMTP 3.0 that has shaken hands.
    pub(crate) async fn hello(rig: &Rig, kind: &str, identity: &[u8]) -> Self {
        Self::hello_of(rig, 0, kind, identity).await
    }

    /// A stranger of ZMTP 3.`minor` that has shaken hands.
    pub(crate) async fn hello_of(rig: &Rig, minor: u8, kind: &str, identity: &[u8]) -> Self {
        let mut raw = Self::dial(rig).await;
        raw.write(&greeting_of(minor)).await;
        raw.read(64).await;
        raw.write(&ready(kind, identity)).await;
        let (flags, body) = raw.frame().await;
        assert_eq!((flags, &body[..6]), (4, &b"\x05READY"[..]));
        raw
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        soon(self.0.write_all(bytes)).await.expect("written");
    }

    pub(crate) async fn read(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        soon(self.0.read_exact(&mut bytes)).await.expect("read");
        bytes
    }

    /// Reads up to `len` bytes, and takes them off what is left.
    pub(crate) async fn read_some(&mut self, len: usize, left: &mut usize) {
        let mut bytes = vec![0; len];
        let read = soon(self.0.read(&mut bytes)).await.expect("read");
        assert!(read > 0, "it was closed");
        *left -= read;
    }

    /// A short frame.
    pub(crate) async fn frame(&mut self) -> (u8, Vec<u8>) {
        let head = self.read(2).await;
        (head[0], self.read(head[1].into()).await)
    }

    /// Waits until the other side has closed.
    pub(crate) async fn closed(&mut self) {
        let mut sink = vec![0; 4096];
        while matches!(soon(self.0.read(&mut sink)).await, Ok(1..)) {}
    }

    pub(crate) fn reset(self) {
        self.0.set_zero_linger().expect("an open socket");
    }
}

/// A greeting of ZMTP 3.0.
pub(crate) fn greeting() -> Vec<u8> {
    greeting_of(0)
}

pub(crate) fn greeting_of(minor: u8) -> Vec<u8> {
    let mut bytes = b"\xFF\0\0\0\0\0\0\0\0\x7F\x03\x00NULL".to_vec();
    bytes.resize(64, 0);
    bytes[11] = minor;
    bytes
}

pub(crate) fn ready(kind: &str, identity: &[u8]) -> Vec<u8> {
    let mut body = b"\x05READY".to_vec();
    for (name, value) in [("Socket-Type", kind.as_bytes()), ("Identity", identity)] {
        body.push(name.len() as u8);
        body.extend(name.as_bytes());
        body.extend((value.len() as u32).to_be_bytes());
        body.extend(value);
    }
    let mut frame = vec![6];
    frame.extend((body.len() as u64).to_be_bytes());
    frame.extend(body);
    frame
}

/// A frame with a long head.
pub(crate) fn frame(more: bool, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2 | u8::from(more)];
    bytes.extend((body.len() as u64).to_be_bytes());
    bytes.extend(body);
    bytes
}
