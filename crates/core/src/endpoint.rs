//! Where a socket listens or dials: `tcp://host:port`, `ipc:///path`, `mem://name`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

/// The most bytes a unix socket's path may have: what macOS takes, with its closing zero.
pub const IPC_PATH_MAX: usize = 103;

/// An endpoint, as ZeroMQ writes it.
///
/// ```
/// use hopline_core::Endpoint;
///
/// let any_port: Endpoint = "tcp://127.0.0.1:0".parse()?;
/// assert_eq!(any_port.to_string(), "tcp://127.0.0.1:0");
/// assert!("tcp://127.0.0.1".parse::<Endpoint>().is_err());
/// # Ok::<_, hopline_core::EndpointError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Endpoint {
    /// A TCP port.
    Tcp {
        /// A name or an address; an IPv6 address without its brackets; `*` for every interface.
        host: String,
        /// The port; 0 asks for any free one when binding.
        port: u16,
    },
    /// A unix socket.
    Ipc(PathBuf),
    /// A name within this process.
    Mem(String),
}

impl Endpoint {
    /// The host as the system's resolver wants it.
    pub(crate) fn resolvable(host: &str) -> &str {
        if host == "*" { "0.0.0.0" } else { host }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let (scheme, rest) = text.split_once("://").ok_or(EndpointError::NoScheme)?;
        match scheme {
            "tcp" => tcp(rest),
            "ipc" => ipc(rest),
            "mem" => mem(rest),
            _ => Err(EndpointError::UnknownScheme),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Ipc(path) => write!(f, "ipc://{}", path.display()),
            Self::Mem(name) => write!(f, "mem://{name}"),
        }
    }
}

/// Why a text is no [`Endpoint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// It has no `://`.
    #[error("an endpoint is written tcp://host:port, ipc:///path or mem://name")]
    NoScheme,
    /// What stands before `://` is none of tcp, ipc, mem.
    #[error("the transport must be tcp, ipc or mem")]
    UnknownScheme,
    /// A tcp endpoint without a host, or with one that has blanks or slashes.
    #[error("a tcp endpoint needs a host: a name, an address, or [an IPv6 address]")]
    BadHost,
    /// A tcp endpoint without a port from 0 to 65535.
    #[error("a tcp endpoint needs a port from 0 to 65535")]
    BadPort,
    /// An ipc endpoint without a path.
    #[error("an ipc endpoint needs a path")]
    NoPath,
    /// A path that does not fit a unix socket's address.
    #[error("the path has {len} bytes, a unix socket's has at most {IPC_PATH_MAX}")]
    PathTooLong {
        /// How many bytes it has.
        len: usize,
    },
    /// A mem endpoint without a name.
    #[error("a mem endpoint needs a name")]
    NoName,
}

/// Refuses a path that the system could not bind.
pub(crate) fn fits_a_socket(path: &Path) -> Result<(), EndpointError> {
    match path.as_os_str().len() {
        0 => Err(EndpointError::NoPath),
        1..=IPC_PATH_MAX => Ok(()),
        len => Err(EndpointError::PathTooLong { len }),
    }
}

fn tcp(rest: &str) -> Result<Endpoint, EndpointError> {
    let (host, port) = rest.rsplit_once(':').ok_or(EndpointError::BadPort)?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').filter(|v6| v6.contains(':')),
        None => Some(host).filter(|plain| !plain.contains([':', ']'])),
    };
    let host = host
        .filter(|host| !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/'))
        .ok_or(EndpointError::BadHost)?;
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = if digits { port.parse().ok() } else { None };
    Ok(Endpoint::Tcp { host: host.to_owned(), port: port.ok_or(EndpointError::BadPort)? })
}

fn ipc(rest: &str) -> Result<Endpoint, EndpointError> {
    let path = PathBuf::from(rest);
    fits_a_socket(&path)?;
    Ok(Endpoint::Ipc(path))
}

fn mem(rest: &str) -> Result<Endpoint, EndpointError> {
    if rest.is_empty() { Err(EndpointError::NoName) } else { Ok(Endpoint::Mem(rest.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_written_as_they_are_read() {
        for text in ["tcp://127.0.0.1:0", "tcp://[::1]:5555", "tcp://a.b:1", "tcp://*:9"]
            .into_iter()
            .chain(["ipc:///tmp/x.sock", "ipc://rel", "mem://a node"])
        {
            assert_eq!(text.parse::<Endpoint>().map(|e| e.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_by_name() {
        use EndpointError::*;
        let long = format!("ipc:///{}", "x".repeat(200));
        for (text, error) in [
            ("127.0.0.1:5", NoScheme),
            ("udp://a:5", UnknownScheme),
            ("tcp://host", BadPort),
            ("tcp://host:65536", BadPort),
            ("tcp://host:+1", BadPort),
            ("tcp://:5", BadHost),
            ("tcp://::1:5", BadHost),
            ("tcp://[host]:5", BadHost),
            ("ipc://", NoPath),
            ("mem://", NoName),
            (long.as_str(), PathTooLong { len: 201 }),
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(error), "{text}");
        }
    }
}
