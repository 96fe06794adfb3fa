//! Access: which clients may attach where, and which may send to whom.
//!
//! The node where a client is asks before anything else does, so a relay pays nothing. The running node
//! and the offline answer ask the same functions; [`Access::clear`] is how an explanation does.

mod name_set;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use name_set::{NameSet, NameSetError};

use super::basis::{Basis, Ruling};
use super::decide::{Local, Verdict};
use super::refusal::Refusal;
use crate::address::{Address, AddressError};
use crate::name::NodeName;

/// The access rules of a mesh, the same at all its nodes. Of each list the first that matches counts.
///
/// | where no rule matches, at a port | a client may |
/// |---|---|
/// | of the machine: loopback, `ipc`, `mem` | attach, and send to anybody |
/// | beyond it | do neither |
///
/// Whoever comes in by the control socket may do both, and so may nodes. A client has the name that it
/// says it has: rules sort clients, and prove nothing of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRules {
    /// Who may attach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attach: Vec<AttachRule>,
    /// Who may send to whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub send: Vec<SendRule>,
}

/// What a rule says of those whom it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// They may.
    Allow,
    /// They may not.
    Deny,
}

/// Whether some clients may attach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachRule {
    /// Whether they may.
    pub effect: Effect,
    /// The clients.
    pub who: NameSet,
    /// At these nodes; none for every node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<BTreeSet<NodeName>>,
}

/// Whether some clients may send to some names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendRule {
    /// Whether they may.
    pub effect: Effect,
    /// The clients that send.
    pub who: NameSet,
    /// The clients, services, nodes and destinations of static routes that are sent to.
    pub to: NameSet,
}

/// The access rules as they hold at one node.
///
/// A message is sent *to* the name in its address: `db` and `db@east` are to `db`, and `east` is to the
/// node `east`. Where a static route hands it to a client of another name, it is sent to that name too,
/// and no rule may deny it: so nobody is reached under another name than the rules allow. What stands
/// for no name, as `#group` and `*` do, is matched by `*` alone.
///
/// # Examples
/// ```
/// use hopline_mesh::name::NodeName;
/// use hopline_mesh::route::access::{AccessRules, AttachRule, Effect, NameSet, SendRule};
///
/// let sensors = NameSet::parse(["sensor.*"])?;
/// let rules = AccessRules {
///     attach: vec![AttachRule { effect: Effect::Allow, who: sensors.clone(), at: None }],
///     send: vec![
///         SendRule { effect: Effect::Allow, who: sensors, to: NameSet::parse(["collector"])? },
///         SendRule { effect: Effect::Deny, who: NameSet::everybody(), to: NameSet::everybody() },
///     ],
/// };
/// let east = NodeName::parse("east")?;
/// let access = rules.at(&east, false);
/// assert!(access.send("sensor.1", "collector@west").allowed);
/// assert!(!access.send("sensor.1", "db").allowed);
/// // No rule is for her, so it depends on the port.
/// assert!(access.attach("alice").allowed);
/// assert!(!rules.at(&east, true).attach("alice").allowed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access<'a> {
    rules: &'a AccessRules,
    node: &'a NodeName,
    closed: bool,
}

/// What was asked of access rules, what they said, and which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clearance<'a> {
    /// What was asked.
    pub asked: Asked,
    /// Whether it is allowed.
    pub allowed: bool,
    /// The rule that decided; none where no rule matched.
    pub by: Option<By<'a>>,
}

/// What is asked of access rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Asked {
    /// May it attach here?
    Attach,
    /// May it send there?
    Send,
}

/// A rule, with its number in its list, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// One of [`AccessRules::attach`].
    Attach(usize, &'a AttachRule),
    /// One of [`AccessRules::send`].
    Send(usize, &'a SendRule),
}

impl AccessRules {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attach.is_empty() && self.send.is_empty()
    }

    /// The rules as they hold at `node`; `closed` says that its port is beyond the machine, so that what
    /// no rule allows is denied.
    #[must_use]
    pub fn at<'a>(&'a self, node: &'a NodeName, closed: bool) -> Access<'a> {
        Access { rules: self, node, closed }
    }

    fn to(&self, client: &str, name: &str) -> Option<By<'_>> {
        let matches = |rule: &&SendRule| rule.to.contains(name) && rule.who.contains(client);
        let (number, rule) = (1..).zip(&self.send).find(|(_, rule)| matches(rule))?;
        Some(By::Send(number, rule))
    }
}

impl<'a> Access<'a> {
    /// Whether `client` may attach here.
    #[must_use]
    pub fn attach(&self, client: &str) -> Clearance<'a> {
        let is_here = |at: &BTreeSet<NodeName>| at.contains(self.node);
        let matches =
            |rule: &AttachRule| rule.at.as_ref().is_none_or(is_here) && rule.who.contains(client);
        let mut rules = (1..).zip(&self.rules.attach);
        let rule = rules.find(|(_, rule)| matches(rule));
        self.said(Asked::Attach, rule.map(|(number, rule)| By::Attach(number, rule)))
    }

    /// Whether `client`, which is here, may send to `destination`. What is no address is for
    /// [`decide`](super::decide()) to refuse.
    #[must_use]
    pub fn send(&self, client: &str, destination: &str) -> Clearance<'a> {
        if self.rules.send.is_empty() && !self.closed {
            return self.said(Asked::Send, None);
        }
        match name_of(destination) {
            Some(name) => self.said(Asked::Send, self.rules.to(client, name)),
            None => Clearance { asked: Asked::Send, allowed: true, by: None },
        }
    }

    /// Whether what `client` sent to `destination` may be handed to `receiver` here; none where no rule
    /// has a say, because that is whom it was sent to or because none matches. What holds where no rule
    /// matches is for the sender's node, which has answered by then.
    #[must_use]
    pub fn hand(&self, client: &str, destination: &str, receiver: &str) -> Option<Clearance<'a>> {
        if self.rules.send.is_empty() || name_of(destination) == Some(receiver) {
            return None;
        }
        let by = self.rules.to(client, receiver)?;
        Some(self.said(Asked::Send, Some(by)))
    }

    /// What the rules make of this node's `ruling` on a message from `client` to `destination`; with the
    /// rule that decided, or the default where that denied it. `is_ingress` says that the client is here.
    #[must_use]
    pub fn clear<'t>(
        &self,
        client: &str,
        is_ingress: bool,
        destination: &str,
        ruling: Ruling<'t>,
    ) -> (Ruling<'t>, Option<Clearance<'a>>) {
        let mut said = None;
        if is_ingress {
            let attach = self.attach(client);
            let last = if attach.allowed { self.send(client, destination) } else { attach };
            said = Some(last).filter(|last| last.by.is_some() || !last.allowed);
        }
        let is_denied = |said: &Clearance<'_>| !said.allowed;
        if !said.as_ref().is_some_and(is_denied)
            && let Verdict::Deliver(Local::Client(receiver)) = ruling.verdict
        {
            said = self.hand(client, destination, receiver).or(said);
        }
        let ruling = match said {
            Some(Clearance { allowed: false, .. }) => Ruling {
                verdict: Verdict::Refuse(Refusal::AccessDenied),
                basis: Basis::Nothing { at: None },
            },
            Some(_) | None => ruling,
        };
        (ruling, said)
    }

    fn said(&self, asked: Asked, by: Option<By<'a>>) -> Clearance<'a> {
        let allowed = by.map_or(!self.closed, |by| by.effect() == Effect::Allow);
        Clearance { asked, allowed, by }
    }
}

/// The name that an address is for; the whole of what stands for no name, and none where it is no
/// address.
fn name_of(destination: &str) -> Option<&str> {
    match Address::parse(destination) {
        Ok(Address::Name(name) | Address::At { name, .. }) => Some(name),
        Ok(Address::Group(_) | Address::Everyone) | Err(AddressError::TooLong(_)) => {
            Some(destination)
        }
        Err(AddressError::NoName) => None,
    }
}

impl By<'_> {
    /// What the rule says.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Self::Attach(_, rule) => rule.effect,
            Self::Send(_, rule) => rule.effect,
        }
    }
}

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attach(number, rule) => write!(f, "access.attach[{number}] {rule}"),
            Self::Send(number, rule) => write!(f, "access.send[{number}] {rule}"),
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Attach => "attach",
            Self::Send => "send",
        })
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        })
    }
}

/// Of more nodes than this only the number is told.
const NAMED: usize = 3;

impl fmt::Display for AttachRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.effect, self.who)?;
        match &self.at {
            None => Ok(()),
            Some(at) if at.len() > NAMED => write!(f, " at {} nodes", at.len()),
            Some(at) => {
                let at: Vec<&str> = at.iter().map(NodeName::as_str).collect();
                write!(f, " at {}", at.join(", "))
            }
        }
    }
}

impl fmt::Display for SendRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.effect, self.who)?;
        if self.to == NameSet::everybody() { Ok(()) } else { write!(f, " to {}", self.to) }
    }
}
