//! Where a node listens or is dialled: `tcp://HOST:PORT`, `ipc://PATH` or `mem://NAME`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest path of a unix socket that both Linux and macOS take, in bytes.
const MAX_PATH: usize = 103;

/// A place to listen at or to dial. Parsed once, correct ever after.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Endpoint {
    /// `tcp://HOST:PORT`; the host is a name, an address, `[v6]`, or `*` for every interface.
    Tcp {
        /// The host as written, an IPv6 address in its brackets.
        host: String,
        /// The port; 0 lets the system choose.
        port: u16,
    },
    /// `ipc://PATH`: a unix socket.
    Ipc(String),
    /// `mem://NAME`: a channel within one process.
    Mem(String),
}

/// Why a text is no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
    #[error("a socket's path has at most {MAX_PATH} bytes, this one has {0}")]
    LongPath(usize),
    /// There is no name behind `mem://`.
    #[error("the name is missing")]
    NoName,
    /// A path or name holds a control character, or a name a blank.
    #[error("it holds a character that cannot stand there: {0:?}")]
    Character(char),
}

impl Endpoint {
    /// Whether only programs of the same machine can dial this.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp { host, .. } => {
                host.eq_ignore_ascii_case("localhost")
                    || ip(host).is_some_and(|ip| ip.is_loopback())
            }
            Self::Ipc(_) | Self::Mem(_) => true,
        }
    }

    /// Whether this stands for every interface, which nobody can dial.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        match self {
            Self::Tcp { host, .. } => host == "*" || ip(host).is_some_and(|ip| ip.is_unspecified()),
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
    pub(crate) fn collides(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp { host: a, port: p }, Self::Tcp { host: b, port: q }) => {
                let anywhere = self.is_wildcard() || other.is_wildcard();
                *p != 0 && p == q && (anywhere || same_host(a, b))
            }
            (a, b) => a == b,
        }
    }
}

fn ip(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

fn same_host(a: &str, b: &str) -> bool {
    let number = |host: &str| match host.eq_ignore_ascii_case("localhost") {
        true => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        false => ip(host),
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => a.eq_ignore_ascii_case(b),
        _ => false,
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if let Some(rest) = text.strip_prefix("tcp://") {
            tcp(rest)
        } else if let Some(path) = text.strip_prefix("ipc://") {
            match path.chars().find(|c| c.is_control()) {
                Some(c) => Err(EndpointError::Character(c)),
                None if path.is_empty() => Err(EndpointError::NoPath),
                None if path.len() > MAX_PATH => Err(EndpointError::LongPath(path.len())),
                None => Ok(Self::Ipc(path.to_owned())),
            }
        } else if let Some(name) = text.strip_prefix("mem://") {
            match name.chars().find(|c| c.is_control() || c.is_whitespace()) {
                Some(c) => Err(EndpointError::Character(c)),
                None if name.is_empty() => Err(EndpointError::NoName),
                None => Ok(Self::Mem(name.to_owned())),
            }
        } else {
            Err(EndpointError::Transport)
        }
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
    if host != "*" && ip(host).is_none() && !host.chars().all(is_name) {
        return Err(EndpointError::Host);
    }
    let port = match port.strip_prefix(':') {
        None | Some("") => return Err(EndpointError::NoPort),
        Some(port) => port,
    };
    if !port.bytes().all(|b| b.is_ascii_digit()) {
        return Err(EndpointError::Port);
    }
    Ok(Endpoint::Tcp {
        host: host.to_owned(),
        port: port.parse().map_err(|_| EndpointError::Port)?,
    })
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
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Ipc(path) => write!(f, "ipc://{path}"),
            Self::Mem(name) => write!(f, "mem://{name}"),
        }
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
