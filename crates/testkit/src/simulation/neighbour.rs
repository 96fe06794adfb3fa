//! Somebody who speaks to one brain as a neighbour of it does.

use bytes::Bytes;
use hopline_mesh::brain::{Brain, ConnId, Input, Now, Output, Room};
use hopline_mesh::wire::hello::{Hello, OPEN_PAD, Role, Statement};
use hopline_mesh::wire::{Kind, Prefix};

use super::node::config;
use super::node_name;

/// A word of a handshake as it stands on a connection.
#[must_use]
pub fn hello(word: &Hello) -> Vec<Bytes> {
    let mut frames = vec![Prefix::new(Kind::Hello).write(), Bytes::new(), word.write()];
    if matches!(word, Hello::Open { .. }) {
        frames.push(Bytes::from_static(&[0; OPEN_PAD]));
    }
    frames
}

/// Makes an accepted connection of a brain, which has a configuration of [`config`], the link to
/// `neighbour`. What the brain says to others meanwhile is added to `out`.
///
/// # Panics
/// Where the brain does not answer the opening with a challenge.
pub fn link_up(
    brain: &mut Brain,
    now: Now,
    conn: ConnId,
    neighbour: &str,
    room: &impl Room,
    out: &mut Vec<Output>,
) {
    let (dialer, listener) = (node_name(neighbour), brain.name().clone());
    let config = config(neighbour, []);
    let dialer_nonce = [1; 32];
    let open = Hello::Open { mesh: config.mesh.clone(), node: dialer.clone(), nonce: dialer_nonce };
    let before = out.len();
    brain.handle(now, Input::Received(conn, hello(&open)), room, out);
    let challenge = out.iter().skip(before).find_map(|output| match output {
        Output::Send { conn: to, frames } if *to == conn => Hello::read(frames.get(2)?).ok(),
        _ => None,
    });
    let Some(Hello::Challenge { nonce: listener_nonce, .. }) = challenge else {
        panic!("a challenge was expected, not {challenge:?}");
    };
    let statement = Statement {
        mesh: &config.mesh,
        dialer: &dialer,
        listener: &listener,
        dialer_nonce: &dialer_nonce,
        listener_nonce: &listener_nonce,
    };
    let proof = config.key.prove(Role::Dialer, &statement);
    brain.handle(now, Input::Received(conn, hello(&Hello::Proof { proof })), room, out);
}
