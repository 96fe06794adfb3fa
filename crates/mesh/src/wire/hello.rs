//! The first words on a connection: who is there, and proof that a node knows the mesh key.
//!
//! ```text
//!  dialling node                        listening node
//!    open {mesh, node, nonce}    ->
//!                                <-       challenge {node, nonce, proof "listener"}
//!    proof {proof "dialer"}      ->
//!                                <-       welcome {}        or  refused {reason}, at any step
//!
//!  native client                        its node
//!    client {}                   ->
//!                                <-       hosted {mesh, node, name}
//!                                <-       leaving {}, when the node is about to end
//! ```
//!
//! A proof is HMAC-SHA-256 with the mesh key over the protocol, the mesh, both names, the prover's
//! role and both nonces (RFC 2104, FIPS 180-4). It authenticates the start of a connection, not the
//! bytes that follow.

mod octets;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::WireError;
use crate::name::NodeName;

/// So many zero octets stand behind an [`Open`](Hello::Open), in a frame of their own: a stranger is never
/// answered with more than it has sent (as RFC 26 has it for CURVE).
pub const OPEN_PAD: usize = 320;

/// Random bytes that are used once. The first eight are the same for a whole [`Run`].
pub type Nonce = [u8; 32];

/// One run of a node, by random bytes: what a connection must have in common with another to be the same node's.
///
/// It is part of what is proved.
pub type Run = [u8; 8];

/// The run of the node that made this nonce.
#[must_use]
pub fn run_of(nonce: &Nonce) -> Run {
    let mut run = Run::default();
    run.copy_from_slice(&nonce[..8]);
    run
}

/// A proof of knowledge of the mesh key.
pub type Proof = [u8; 32];

/// One step of the opening of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hello {
    /// A node that dialled says who it is.
    Open {
        /// The mesh that it belongs to.
        mesh: String,
        /// Its name.
        node: NodeName,
        /// Its nonce.
        #[serde(with = "octets")]
        nonce: Nonce,
    },
    /// The listening node says who it is, and proves it.
    Challenge {
        /// Its name.
        node: NodeName,
        /// Its nonce.
        #[serde(with = "octets")]
        nonce: Nonce,
        /// Its proof.
        #[serde(with = "octets")]
        proof: Proof,
    },
    /// The dialling node proves who it is.
    Proof {
        /// Its proof.
        #[serde(with = "octets")]
        proof: Proof,
    },
    /// The link is up.
    Welcome {},
    /// The link, or the client, is refused.
    Refused {
        /// Why, in words.
        reason: String,
    },
    /// A native client says that it is one.
    Client {},
    /// The node's answer to a native client.
    Hosted {
        /// The mesh.
        mesh: String,
        /// The node.
        node: NodeName,
        /// The name under which the client is reached, as an address.
        name: String,
    },
    /// To a native client: the node is about to end, and takes no message any more.
    Leaving {},
    /// A sign of life, and what can be seen by it that all that was said has come.
    Alive {
        /// What went before it on this link, where nothing is held back on purpose.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sent: Option<Sent>,
        /// A digest of what the sender knows, where there is nothing that it has yet to tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<u64>,
    },
    /// On a link: the other end is to send all that waits for this one, and then to say so.
    Flush {
        /// Which question this is: greater than that of any before on this connection.
        number: u64,
    },
    /// On a link: all that waited when the question came has been sent before this.
    Flushed {
        /// The number of the question.
        number: u64,
    },
}

/// How much has been sent on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The number of the last message.
    pub messages: u64,
    /// The number of the last flood.
    pub floods: u64,
}

impl Hello {
    /// Reads a hello's payload frame.
    ///
    /// # Errors
    /// [`WireError::Pack`] where the bytes are no hello.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        rmp_serde::from_slice(bytes).map_err(|_| WireError::Pack("hello"))
    }

    /// Writes a hello's payload frame.
    #[must_use]
    pub fn write(&self) -> Bytes {
        rmp_serde::to_vec_named(self).map(Bytes::from).unwrap_or_default()
    }
}

/// Which end of a connection proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The node that dialled.
    Dialer,
    /// The node that was dialled.
    Listener,
}

/// All that a proof is over.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// The mesh.
    pub mesh: &'a str,
    /// The node that dialled.
    pub dialer: &'a NodeName,
    /// The node that was dialled.
    pub listener: &'a NodeName,
    /// The dialling node's nonce.
    pub dialer_nonce: &'a Nonce,
    /// The listening node's nonce.
    pub listener_nonce: &'a Nonce,
}

/// The key that makes a peer a node of the mesh.
#[derive(Clone, PartialEq, Eq)]
pub struct MeshKey([u8; 32]);

impl std::fmt::Debug for MeshKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MeshKey(..)")
    }
}

impl MeshKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key's bytes, to be stored where only its owner reads.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0
    }

    /// The proof that whoever has this role knows the key.
    #[must_use]
    pub fn prove(&self, role: Role, statement: &Statement<'_>) -> Proof {
        self.mac(role, statement).finalize().into_bytes().into()
    }

    /// Whether `proof` is the proof of whoever has this role. Takes the same time either way.
    #[must_use]
    pub fn verify(&self, role: Role, statement: &Statement<'_>, proof: &Proof) -> bool {
        self.mac(role, statement).verify_slice(proof).is_ok()
    }

    fn mac(&self, role: Role, statement: &Statement<'_>) -> Hmac<Sha256> {
        let Statement { mesh, dialer, listener, dialer_nonce, listener_nonce } = statement;
        let role: &[u8] = match role {
            Role::Dialer => b"dialer",
            Role::Listener => b"listener",
        };
        // RFC 2104: a key shorter than a block is filled up with zeros.
        let mut block = [0; 64];
        block[..self.0.len()].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        let (dialer, listener) = (dialer.as_str().as_bytes(), listener.as_str().as_bytes());
        for part in
            [b"hopline/1", mesh.as_bytes(), dialer, listener, role, *dialer_nonce, *listener_nonce]
        {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_holds_for_its_role_names_nonces_and_key_only() {
        let (a, b) = (NodeName::parse("a").unwrap(), NodeName::parse("b").unwrap());
        let statement = Statement {
            mesh: "m",
            dialer: &a,
            listener: &b,
            dialer_nonce: &[1; 32],
            listener_nonce: &[2; 32],
        };
        let key = MeshKey::new([7; 32]);
        let proof = key.prove(Role::Dialer, &statement);
        assert!(key.verify(Role::Dialer, &statement, &proof));
        assert!(!key.verify(Role::Listener, &statement, &proof));
        assert!(!MeshKey::new([8; 32]).verify(Role::Dialer, &statement, &proof));
        for other in [
            Statement { mesh: "n", ..statement },
            Statement { dialer: &b, listener: &a, ..statement },
            Statement { dialer_nonce: &[3; 32], ..statement },
            Statement { listener_nonce: &[3; 32], ..statement },
        ] {
            assert!(!key.verify(Role::Dialer, &other, &proof));
        }
    }
}
