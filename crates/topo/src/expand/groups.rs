//! Who inherits what: a node's own keys, then those of its groups in their order (each group's own before
//! those of the groups that it inherits from), then `[defaults]`.

use std::collections::HashMap;

use super::Expander;
use crate::check::quoted;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::spec::{At, NodeKeys, Scalar, ScalarSpec, Spec, Texts, UpstreamSpec};
use crate::suggest;

/// What is inherited, key by key.
#[derive(Debug, Clone, Default)]
pub(super) struct Inherited<'a> {
    pub(super) bind: Option<&'a At<String>>,
    pub(super) address: Option<&'a At<String>>,
    pub(super) host: Option<&'a At<String>>,
    pub(super) label: Option<&'a At<String>>,
    pub(super) upstream: Option<&'a [UpstreamSpec]>,
    pub(super) dialects: Option<&'a Texts>,
    pub(super) position: Option<&'a At<Vec<At<Scalar>>>>,
    pub(super) limits: Vec<&'a ScalarSpec>,
}

impl<'a> Inherited<'a> {
    /// Takes from `keys` what is not there yet.
    fn take(&mut self, keys: &'a NodeKeys) {
        self.take_all(&Self {
            bind: keys.bind.as_ref(),
            address: keys.address.as_ref(),
            host: keys.host.as_ref(),
            label: keys.label.as_ref(),
            upstream: keys.upstream.as_deref(),
            dialects: keys.dialects.as_ref(),
            position: keys.position.as_ref(),
            limits: keys.limits.iter().collect(),
        });
    }

    fn take_all(&mut self, other: &Self) {
        self.bind = self.bind.or(other.bind);
        self.address = self.address.or(other.address);
        self.host = self.host.or(other.host);
        self.label = self.label.or(other.label);
        self.upstream = self.upstream.or(other.upstream);
        self.dialects = self.dialects.or(other.dialects);
        self.position = self.position.or(other.position);
        for limit in &other.limits {
            if self.limits.iter().all(|known| known.key.value != limit.key.value) {
                self.limits.push(limit);
            }
        }
    }
}

/// What each group hands on, with what it inherits itself.
pub(super) struct Groups<'a> {
    handed_on: HashMap<&'a str, Inherited<'a>>,
    defaults: &'a NodeKeys,
}

/// How far a group has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Begun,
    Done,
}

impl Expander<'_> {
    /// Works out what the groups hand on; tells of those that inherit from themselves.
    pub(super) fn groups<'a>(&mut self, spec: &'a Spec) -> Groups<'a> {
        let by_name: HashMap<&str, &NodeKeys> =
            spec.groups.iter().map(|group| (group.name.value.as_str(), &group.keys)).collect();
        for group in &spec.groups {
            self.group_name(&group.name);
            self.known_groups(group.keys.groups.as_ref(), &by_name);
        }
        self.known_groups(spec.defaults.keys.groups.as_ref(), &by_name);
        for level in spec.trees.iter().flat_map(|tree| &tree.levels) {
            self.known_groups(level.keys.groups.as_ref(), &by_name);
        }
        for node in &spec.nodes {
            self.known_groups(node.keys.groups.as_ref(), &by_name);
        }

        let mut states: HashMap<&str, State> = HashMap::new();
        let mut groups = Groups { handed_on: HashMap::new(), defaults: &spec.defaults.keys };
        // Each group is met twice: first to go on to what it inherits from, then with all that at hand.
        for group in &spec.groups {
            let mut stack: Vec<&At<String>> = vec![&group.name];
            let mut chain: Vec<&str> = Vec::new();
            while let Some(name) = stack.last().copied() {
                let Some(keys) = by_name.get(name.value.as_str()) else {
                    stack.pop();
                    continue;
                };
                let parents = keys.groups.iter().flat_map(|groups| &groups.value);
                match states.get(name.value.as_str()) {
                    None => {
                        states.insert(&name.value, State::Begun);
                        chain.push(&name.value);
                        for parent in parents {
                            match states.get(parent.value.as_str()) {
                                None => stack.push(parent),
                                Some(State::Begun) => self.cycle(&chain, parent),
                                Some(State::Done) => {}
                            }
                        }
                    }
                    Some(State::Begun) if chain.last() == Some(&name.value.as_str()) => {
                        states.insert(&name.value, State::Done);
                        let own = groups.of(keys, parents);
                        groups.handed_on.insert(&name.value, own);
                        chain.pop();
                        stack.pop();
                    }
                    // One that was put on the stack twice before it was met.
                    Some(_) => {
                        stack.pop();
                    }
                }
            }
        }
        groups
    }

    fn group_name(&mut self, name: &At<String>) {
        if let Err(error) = hopline_mesh::name::NodeName::parse(&name.value) {
            let message = format!("{} cannot be the name of a group", quoted(&name.value));
            let problem = Diagnostic::error(codes::BAD_NAME, message)
                .label(&name.span, error.to_string())
                .maybe_help(crate::check::cleaned(&name.value));
            self.problems.push(problem);
        }
    }

    fn known_groups(&mut self, named: Option<&Texts>, known: &HashMap<&str, &NodeKeys>) {
        for at in named.into_iter().flat_map(|named| &named.value) {
            if known.contains_key(at.value.as_str()) {
                self.used.insert(at.value.clone());
            } else if !self.broken.mentions(&at.value) {
                let mut names: Vec<&str> = known.keys().copied().collect();
                names.sort_unstable();
                let help = suggest::did_you_mean(&at.value, names);
                let message = format!("unknown group {}", quoted(&at.value));
                let problem = Diagnostic::error(codes::UNKNOWN_GROUP, message)
                    .label(&at.span, "no group of the file has this name")
                    .help(help.unwrap_or_else(|| {
                        let name = at.value.escape_debug();
                        format!("declare it with `[groups.{name}]`")
                    }));
                self.problems.push(problem);
            }
        }
    }

    fn cycle(&mut self, chain: &[&str], again: &At<String>) {
        let from = chain.iter().position(|name| *name == again.value).unwrap_or(0);
        let mut way: Vec<String> = chain[from..].iter().map(|name| format!("`{name}`")).collect();
        way.push(format!("`{}`", again.value));
        let message = match way.len() {
            2 => format!("the group `{}` inherits from itself", again.value),
            _ => format!("groups inherit from each other: {}", way.join(" from ")),
        };
        let problem = Diagnostic::error(codes::GROUP_CYCLE, message)
            .label(&again.span, "this closes the circle")
            .help("take it out of one of these groups");
        self.problems.push(problem);
    }

    /// Tells of the groups that nothing inherits from.
    pub(super) fn unused(&mut self, spec: &Spec) {
        if !self.broken.is_empty() {
            return;
        }
        for group in spec.groups.iter().filter(|group| !self.used.contains(&group.name.value)) {
            let message = format!("nothing inherits from the group `{}`", group.name.value);
            let lint = Diagnostic::warning(codes::UNUSED_GROUP, message)
                .label(&group.name.span, "no node, group or level lists it")
                .help("list it in the `groups` of a node, or take it out");
            self.problems.push(lint);
        }
    }
}

impl<'a> Groups<'a> {
    /// What something has that says `keys` itself and inherits from `parents`.
    fn of(
        &self,
        keys: &'a NodeKeys,
        parents: impl Iterator<Item = &'a At<String>>,
    ) -> Inherited<'a> {
        let mut inherited = Inherited::default();
        inherited.take(keys);
        for parent in parents {
            if let Some(parent) = self.handed_on.get(parent.value.as_str()) {
                inherited.take_all(parent);
            }
        }
        inherited
    }

    /// What a node with these own keys inherits.
    pub(super) fn inherited(&self, own: Option<&'a NodeKeys>) -> Inherited<'a> {
        let own = own.and_then(|own| own.groups.as_ref());
        let listed = own.or(self.defaults.groups.as_ref());
        let mut inherited = Inherited::default();
        for group in listed.into_iter().flat_map(|listed| &listed.value) {
            if let Some(group) = self.handed_on.get(group.value.as_str()) {
                inherited.take_all(group);
            }
        }
        inherited.take(self.defaults);
        inherited
    }
}
