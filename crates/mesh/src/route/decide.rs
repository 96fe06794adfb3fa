//! The decision: what becomes of one message at one node.

use super::basis::{Basis, Matched, Ruling};
use super::refusal::Refusal;
use super::table::{Hop, StaticHop, Table};
use crate::address::{Address, AddressError};
use crate::name::NodeName;
use crate::wire::MessageId;

/// What is to be known of a message to decide about it. Borrowed from wherever it lies.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a, P: PathNames + ?Sized> {
    /// The message's id, by which one of those who hold a balanced service is picked.
    pub id: MessageId,
    /// Where the message is to go, as its sender wrote it.
    pub destination: &'a str,
    /// For an error that goes back: the node that comes before this one on the path of the message
    /// that failed. None for all other messages.
    pub retrace: Option<&'a str>,
    /// The nodes that handled the message so far, this one not among them.
    pub path: &'a P,
    /// The neighbour that the message came from; none where it came from a client or this node.
    pub from: Option<&'a str>,
    /// How many nodes its path may have. The table's own limit counts where it is lower.
    pub hop_limit: u8,
    /// Its size in bytes, for the next hop's queue.
    pub size: usize,
}

/// The nodes that handled a message, as far as deciding needs them.
///
/// The path on the wire implements it without being parsed; slices of names do for tests and for the
/// offline answer.
pub trait PathNames {
    /// The number of stamps.
    fn len(&self) -> usize;

    /// Whether `node` is on the path.
    fn contains(&self, node: &str) -> bool;

    /// Whether no node has handled the message yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: AsRef<str>> PathNames for [T] {
    fn len(&self) -> usize {
        <[T]>::len(self)
    }

    fn contains(&self, node: &str) -> bool {
        self.iter().any(|name| name.as_ref() == node)
    }
}

/// What a node knows besides its table: who is where, and the state of its own links.
///
/// Called at most a few times for each decision, so each should be one lookup.
pub trait Places {
    /// The client attached here by `name`, in its directory form or as an anonymous `hex:...`.
    fn is_here(&self, name: &str) -> Option<&str>;

    /// The node that the message `id` for `name` goes to, as the directory has it
    /// ([`Directory::holder`](super::Directory::holder)).
    fn holder(&self, name: &str, id: MessageId) -> Option<&NodeName>;

    /// Whether `name` is a balanced service
    /// ([`Directory::policy`](super::Directory::policy)), so that having it here does not settle
    /// where a message goes.
    fn is_balanced(&self, name: &str) -> bool;

    /// Whether there is a link to `neighbour` and it is up.
    fn link_is_up(&self, neighbour: &str) -> bool;

    /// Whether the queue to `neighbour` takes a message of `size` bytes. False where no link is up.
    fn has_room(&self, neighbour: &str, size: usize) -> bool;
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'t> {
    /// It is at its end: hand it over.
    Deliver(Local<'t>),
    /// Send it to this neighbour.
    Forward(&'t NodeName),
    /// It goes no further. Its sender is told, by this node, and it is counted under the reason.
    Refuse(Refusal),
}

/// To whom a message is delivered at this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Local<'t> {
    /// This node itself.
    Node,
    /// The client attached here by this name.
    Client(&'t str),
}

/// Decides what becomes of a message at the node whose `table` it is.
///
/// The first of these that applies is the answer:
///
/// 1. **Retrace.** An error goes to the node before this one on the failed message's path
///    ([`Question::retrace`]), if the link to it is up, the error has been at neither of the two
///    and the hop limit lets it. Otherwise it is routed like any other message. *Queue full* (8)
///    holds for it too.
/// 2. **Address.** What is no address is refused as *bad address*, `#group` and `*` as *unsupported
///    address*. A destination too long to be anybody's is an *unknown destination*.
/// 3. **Local.** Delivered here: what is for this node by its bare name; for the bare name of a
///    client attached here, if it is not the name of a node as well, and, of a balanced service, if
///    the message's id picks this node (below); for `name@here` where such a client is attached; and
///    what a [static route](super::StaticRoutes) gives to a client here.
/// 4. **Loop.** *loop* if this node is on the path already.
/// 5. **Hop limit.** A limit of N lets N nodes on a path, this one and the last included. *hop
///    limit* if the computed way has more nodes than are left; if the way is not a computed one, if
///    there is no room for one more.
/// 6. **No route.** A static route is taken before the computed way; the way to a client is the way
///    to the node that holds its name. *unknown destination* if nobody is known by the bare name,
///    or if the node in `name@node` is not, or is this one. *unreachable* if there is a node but no
///    way to it.
///
///    Of several nodes that hold a name and can be reached, a *closest* service is at the one with the
///    least cost from here, then the lesser name; a *balanced* one at the one that the message's id is
///    [drawn](super::share) to; any other name, in flux, at the one with the lesser name.
/// 7. **Next hop is source.** *next hop is source* if the message came from there.
/// 8. **Queue full.** *queue full* if the next hop's queue does not take it; *unreachable* if that
///    is because its link is no longer up.
/// 9. **Forward** to the next hop.
///
/// Where the link of a computed next hop is down, the table's [loop-free alternate](Table::alternate) takes its place in 8
/// and 9, if its link is up, the message did not come from it and it is not on the message's path. That holds until the
/// node makes its next table, and in no converged mesh.
///
/// It is total, it does not allocate, and it depends on nothing but its arguments. Whether the sender
/// may is not its question: [`Access`](super::access::Access) answers that, where the message enters.
///
/// # Examples
/// The offline answer, [`walk`](super::walk()), is the shortest whole example: it calls this once
/// for each node on the way.
#[must_use]
pub fn decide<'t, P: PathNames + ?Sized>(
    table: &'t Table,
    places: &'t impl Places,
    question: &Question<'_, P>,
) -> Verdict<'t> {
    judge(table, places, question).verdict
}

/// Decides as [`decide`] does, and says what the verdict rests on.
#[must_use]
pub fn judge<'t, P: PathNames + ?Sized>(
    table: &'t Table,
    places: &'t impl Places,
    question: &Question<'_, P>,
) -> Ruling<'t> {
    let hops_left = hops_left(table, question);
    let is_loop = question.path.contains(table.me().as_str());

    if hops_left >= 1
        && !is_loop
        && let Some(neighbour) = retraced(table, places, question)
    {
        let verdict = hand_over(places, neighbour, question.size);
        return Ruling { verdict, basis: Basis::Retrace };
    }
    let target = match Address::parse(question.destination) {
        Ok(Address::Name(name)) => find_name(table, places, name, question.id),
        Ok(Address::At { name, node }) => find_at(table, places, name, node),
        Ok(Address::Group(_) | Address::Everyone) => {
            let verdict = Verdict::Refuse(Refusal::UnsupportedAddress);
            return Ruling { verdict, basis: Basis::Nothing { at: None } };
        }
        Err(AddressError::NoName) => {
            let verdict = Verdict::Refuse(Refusal::BadAddress);
            return Ruling { verdict, basis: Basis::Nothing { at: None } };
        }
        Err(AddressError::TooLong(_)) => Target::Nowhere(Refusal::UnknownDestination, None),
    };
    let mut basis = target.basis();
    let verdict = match target {
        Target::Here(local, _) => Verdict::Deliver(local),
        _ if is_loop => Verdict::Refuse(Refusal::Loop),
        _ if target.hops() > hops_left => Verdict::Refuse(Refusal::HopLimit),
        Target::Nowhere(refusal, _) => Verdict::Refuse(refusal),
        Target::Static(neighbour, ..) | Target::Computed(Hop { neighbour, .. }, _) => {
            if question.from == Some(neighbour.as_str()) {
                Verdict::Refuse(Refusal::NextHopIsSource)
            } else if let Basis::Computed { to, hop } = basis
                && let Some(alternate) = alternate(table, places, question, to, neighbour)
            {
                basis = Basis::Alternate { to, hop };
                hand_over(places, alternate, question.size)
            } else {
                hand_over(places, neighbour, question.size)
            }
        }
    };
    Ruling { verdict, basis }
}

/// Where what is for `to` goes instead of to `neighbour`, whose link is down.
fn alternate<'t, P: PathNames + ?Sized>(
    table: &'t Table,
    places: &impl Places,
    question: &Question<'_, P>,
    to: &NodeName,
    neighbour: &NodeName,
) -> Option<&'t NodeName> {
    if places.has_room(neighbour.as_str(), question.size) || places.link_is_up(neighbour.as_str()) {
        return None;
    }
    let alternate = table.alternate(to)?;
    let name = alternate.as_str();
    let is_new = question.from != Some(name) && !question.path.contains(name);
    (is_new && places.link_is_up(name)).then_some(alternate)
}

/// Where a destination is, seen from here. With it the static route that says so, and the node that
/// the destination is or is at.
#[derive(Clone, Copy)]
enum Target<'t> {
    Here(Local<'t>, Option<Matched<'t>>),
    Static(&'t NodeName, Matched<'t>, Option<&'t NodeName>),
    Computed(&'t Hop, &'t NodeName),
    Nowhere(Refusal, Option<&'t NodeName>),
}

impl<'t> Target<'t> {
    /// The links that are left to go, as far as is known.
    fn hops(&self) -> usize {
        match self {
            Self::Here(..) => 0,
            Self::Static(..) | Self::Nowhere(..) => 1,
            Self::Computed(hop, _) => hop.hops as usize,
        }
    }

    fn basis(&self) -> Basis<'t> {
        match *self {
            Self::Here(_, None) => Basis::Here,
            Self::Here(_, Some(route)) => Basis::Static { route, at: None },
            Self::Static(_, route, at) => Basis::Static { route, at },
            Self::Computed(hop, to) => Basis::Computed { to, hop },
            Self::Nowhere(_, at) => Basis::Nothing { at },
        }
    }
}

/// How many more nodes than this one the path may get.
fn hops_left<P: PathNames + ?Sized>(table: &Table, question: &Question<'_, P>) -> usize {
    let limit = usize::from(question.hop_limit.min(table.hop_limit()));
    limit.saturating_sub(question.path.len().saturating_add(1))
}

fn retraced<'t, P: PathNames + ?Sized>(
    table: &'t Table,
    places: &impl Places,
    question: &Question<'_, P>,
) -> Option<&'t NodeName> {
    let before = question.retrace?;
    let is_new = question.from != Some(before) && !question.path.contains(before);
    let neighbour = table.name(table.place(before)?);
    (is_new && neighbour != table.me() && places.link_is_up(before)).then_some(neighbour)
}

fn find_name<'t>(
    table: &'t Table,
    places: &'t impl Places,
    name: &str,
    id: MessageId,
) -> Target<'t> {
    if name == table.me().as_str() {
        return Target::Here(Local::Node, None);
    }
    if let Some(node) = table.place(name) {
        return find_way(table, places, name, None, Some(node));
    }
    let here = places.is_here(name).map(|client| Target::Here(Local::Client(client), None));
    if let Some(here) = here
        && !places.is_balanced(name)
    {
        return here;
    }
    match (places.holder(name, id).filter(|holder| *holder != table.me()), here) {
        (Some(holder), _) => {
            let node = table.place(holder.as_str());
            find_way(table, places, name, Some(holder.as_str()), node)
        }
        (None, Some(here)) => here,
        (None, None) => find_static(table, places, name, None)
            .unwrap_or(Target::Nowhere(Refusal::UnknownDestination, None)),
    }
}

fn find_at<'t>(table: &'t Table, places: &'t impl Places, name: &str, node: &str) -> Target<'t> {
    if node == table.me().as_str() {
        return match places.is_here(name) {
            Some(client) => Target::Here(Local::Client(client), None),
            None => Target::Nowhere(Refusal::UnknownDestination, None),
        };
    }
    match table.place(node) {
        Some(place) => find_way(table, places, name, Some(node), Some(place)),
        None => Target::Nowhere(Refusal::UnknownDestination, None),
    }
}

/// The way to `name`, which is at the node `at` or is itself a node; `place` is that node's place.
fn find_way<'t>(
    table: &'t Table,
    places: &'t impl Places,
    name: &str,
    at: Option<&str>,
    place: Option<u32>,
) -> Target<'t> {
    let node = place.map(|place| table.name(place));
    let set = find_static(table, places, name, node);
    if let Some(target) = set.or_else(|| find_static(table, places, at?, node)) {
        return target;
    }
    match place.and_then(|place| Some((table.hop(place)?, table.name(place)))) {
        Some((hop, to)) => Target::Computed(hop, to),
        None => Target::Nowhere(Refusal::Unreachable, node),
    }
}

fn find_static<'t>(
    table: &'t Table,
    places: &'t impl Places,
    name: &str,
    at: Option<&'t NodeName>,
) -> Option<Target<'t>> {
    if !table.has_statics() {
        return None;
    }
    table.static_hops(name).find_map(|(route, hop)| match hop {
        StaticHop::Neighbour(neighbour) => Some(Target::Static(neighbour, route, at)),
        StaticHop::Client(client) => {
            let client = places.is_here(client)?;
            Some(Target::Here(Local::Client(client), Some(route)))
        }
    })
}

fn hand_over<'t>(places: &impl Places, neighbour: &'t NodeName, size: usize) -> Verdict<'t> {
    if places.has_room(neighbour.as_str(), size) {
        Verdict::Forward(neighbour)
    } else if places.link_is_up(neighbour.as_str()) {
        Verdict::Refuse(Refusal::QueueFull)
    } else {
        Verdict::Refuse(Refusal::Unreachable)
    }
}
