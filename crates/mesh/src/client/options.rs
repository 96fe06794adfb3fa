//! What a client is told before it connects.

use std::path::PathBuf;
use std::time::Duration;

use hopline_core::{Identity, IdentityError, Limits};

/// How a [`Client`](super::Client) connects.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The name to take, as an identity; none leaves the client anonymous.
    pub identity: Option<Identity>,
    /// How long the node has to take the client in. Default 5 s.
    pub timeout: Duration,
    /// What the node may make the client hold.
    pub limits: Limits,
    /// Where private sockets are made: a short path. Default `$XDG_RUNTIME_DIR`, else the system's
    /// directory for temporary files.
    pub runtime_dir: Option<PathBuf>,
    /// The run's number in message ids. Default Unix milliseconds.
    pub incarnation: Option<u64>,
}

impl ClientOptions {
    /// A client without a name: it is reached by the address that its node makes for it.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            identity: None,
            timeout: Duration::from_secs(5),
            limits: Limits::default(),
            runtime_dir: None,
            incarnation: None,
        }
    }

    /// A client of this name.
    ///
    /// # Errors
    /// Where the name is empty or has more than 255 bytes.
    pub fn named(name: &str) -> Result<Self, IdentityError> {
        let identity = Identity::new(name.to_owned().into_bytes())?;
        Ok(Self { identity: Some(identity), ..Self::anonymous() })
    }

    /// The same with another time to be taken in.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }
}
