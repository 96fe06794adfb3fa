//! Where a socket listens or dials: `tcp://host:port`, `ipc:///path`, `mem://name`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
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
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
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
    /// Whether only programs of the same machine can dial this.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp { host, .. } => {
                host.eq_ignore_ascii_case("localhost")
                    || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
            Self::Ipc(_) | Self::Mem(_) => true,
        }
    }

    /// Whether this stands for every interface, which nobody can dial.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        match self {
            Self::Tcp { host, .. } => {
                host == "*" || host.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified())
            }
            Self::Ipc(_) | Self::Mem(_) => false,
        }
    }

    /// The TCP port, where there is one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp { port, .. } => Some(*port),
            Self::Ipc(_) | Self::Mem(_) => None,
        }
    }

    /// Whether others can dial this as it is written: a definite host and port.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        !self.is_wildcard() && self.port() != Some(0)
    }

    /// Whether two sockets of one machine cannot listen at both.
    #[must_use]
    pub fn collides(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp { host: a, port: p }, Self::Tcp { host: b, port: q }) => {
                let anywhere = self.is_wildcard() || other.is_wildcard();
                *p != 0 && p == q && (anywhere || same_host(a, b))
            }
            (a, b) => a == b,
        }
    }

    /// The host as the system's resolver wants it.
    pub(crate) fn resolvable(host: &str) -> &str {
        if host == "*" { "0.0.0.0" } else { host }
    }
}

fn same_host(a: &str, b: &str) -> bool {
    let number = |host: &str| match host.eq_ignore_ascii_case("localhost") {
        true => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        false => host.parse().ok(),
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => a.eq_ignore_ascii_case(b),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let (scheme, rest) = text.split_once("://").ok_or(EndpointError::Transport)?;
        match scheme {
            "tcp" => tcp(rest),
            "ipc" => ipc(rest),
            "mem" => mem(rest),
            _ => Err(EndpointError::Transport),
        }
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;
    fn try_from(text: String) -> Result<Self, EndpointError> {
        text.parse()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.to_string()
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
    /// The text does not begin with one of the three transports.
    #[error("it begins with none of `tcp://`, `ipc://` and `mem://`")]
    Transport,
    /// There is no host before the port.
    #[error("the host is missing")]
    NoHost,
    /// The host is neither a name nor an address.
    #[error("the host is neither a name nor an address")]
    Host,
    /// There is no port behind the host.
    #[error("the port is missing")]
    NoPort,
    /// The port is not a number from 0 to 65535.
    #[error("the port is not a number from 0 to 65535")]
    Port,
    /// An IPv6 address stands without its brackets.
    #[error("an IPv6 address stands in brackets")]
    Brackets,
    /// There is no path behind `ipc://`.
    #[error("the path is missing")]
    NoPath,
    /// The path is longer than a unix socket's may be.
    #[error("a socket's path has at most {IPC_PATH_MAX} bytes, this one has {0}")]
    LongPath(usize),
    /// There is no name behind `mem://`.
    #[error("the name is missing")]
    NoName,
    /// A path or name holds a control character, or a name a blank.
    #[error("it holds a character that cannot stand there: {0:?}")]
    Character(char),
}

/// Refuses a path that the system could not bind.
pub(crate) fn fits_a_socket(path: &Path) -> Result<(), EndpointError> {
    match path.as_os_str().len() {
        0 => Err(EndpointError::NoPath),
        1..=IPC_PATH_MAX => Ok(()),
        length => Err(EndpointError::LongPath(length)),
    }
}

fn tcp(rest: &str) -> Result<Endpoint, EndpointError> {
    let (host, port) = match rest.rfind(']') {
        Some(end) if rest.starts_with('[') => rest.split_at(end + 1),
        _ => rest.split_at(rest.rfind(':').unwrap_or(rest.len())),
    };
    if host.is_empty() {
        return Err(EndpointError::NoHost);
    }
    if host.parse::<Ipv6Addr>().is_ok() || rest.parse::<Ipv6Addr>().is_ok() {
        return Err(EndpointError::Brackets);
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.strip_suffix(']').filter(|v6| v6.parse::<Ipv6Addr>().is_ok()),
        None => Some(host).filter(|host| *host == "*" || host.chars().all(is_name)),
    };
    let host = host.ok_or(EndpointError::Host)?.to_owned();
    let port = match port.strip_prefix(':') {
        None | Some("") => return Err(EndpointError::NoPort),
        Some(port) => port,
    };
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(EndpointError::Port);
    }
    Ok(Endpoint::Tcp { host, port: port.parse().map_err(|_| EndpointError::Port)? })
}

fn ipc(path: &str) -> Result<Endpoint, EndpointError> {
    if let Some(control) = path.chars().find(|c| c.is_control()) {
        return Err(EndpointError::Character(control));
    }
    fits_a_socket(Path::new(path))?;
    Ok(Endpoint::Ipc(path.into()))
}

fn mem(name: &str) -> Result<Endpoint, EndpointError> {
    match name.chars().find(|c| c.is_control() || c.is_whitespace()) {
        Some(c) => Err(EndpointError::Character(c)),
        None if name.is_empty() => Err(EndpointError::NoName),
        None => Ok(Endpoint::Mem(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_comes_back_as_it_was_written() {
        for text in [
            "tcp://127.0.0.1:5555",
            "tcp://*:0",
            "tcp://[::1]:9",
            "tcp://node-1.example.org:65535",
            "ipc:///run/a b.sock",
            "mem://top",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_with_an_endpoint_is_told() {
        let long = format!("ipc://{}", "x".repeat(104));
        for (text, why) in [
            ("127.0.0.1:5555", EndpointError::Transport),
            ("tcp://:1", EndpointError::NoHost),
            ("tcp://a", EndpointError::NoPort),
            ("tcp://a:", EndpointError::NoPort),
            ("tcp://a:65536", EndpointError::Port),
            ("tcp://a:+1", EndpointError::Port),
            ("tcp://a b:1", EndpointError::Host),
            ("tcp://::1:1", EndpointError::Brackets),
            ("tcp://[::x]:1", EndpointError::Host),
            ("ipc://", EndpointError::NoPath),
            (long.as_str(), EndpointError::LongPath(104)),
            ("mem://", EndpointError::NoName),
            ("mem://a b", EndpointError::Character(' ')),
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(why), "{text}");
        }
    }

    #[test]
    fn every_interface_collides_with_each_of_them() {
        let at = |text: &str| text.parse::<Endpoint>().unwrap();
        assert!(at("tcp://*:5").collides(&at("tcp://127.0.0.1:5")));
        assert!(at("tcp://localhost:5").collides(&at("tcp://127.0.0.1:5")));
        assert!(!at("tcp://127.0.0.1:0").collides(&at("tcp://127.0.0.1:0")));
        assert!(!at("tcp://127.0.0.1:5").collides(&at("tcp://127.0.0.2:5")));
    }
}
