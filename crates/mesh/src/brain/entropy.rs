//! Nonces that nobody can guess, the same for the same seed.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::wire::hello::{Nonce, run_of};

/// Makes nonces from a secret seed: HMAC-SHA-256 of a count, behind the eight bytes that all of a run have in common.
pub(super) struct Entropy {
    seed: [u8; 64],
    count: u64,
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entropy").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Entropy {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        let mut block = [0; 64];
        block[..seed.len()].copy_from_slice(&seed);
        Self { seed: block, count: 0 }
    }

    pub(super) fn nonce(&mut self) -> Nonce {
        self.count += 1;
        let mut nonce = self.random(self.count);
        let run = run_of(&self.random(0));
        nonce[..run.len()].copy_from_slice(&run);
        nonce
    }

    fn random(&self, count: u64) -> Nonce {
        let mut mac = Hmac::<Sha256>::new(&self.seed.into());
        mac.update(&count.to_le_bytes());
        mac.finalize().into_bytes().into()
    }
}
