//! Nodes, templates and trees.

use std::collections::HashSet;

use super::Expander;
use super::counters::Counter;
use super::groups::{Groups, Inherited};
use super::text::Scope;
use crate::check::quoted;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::spec::{At, LevelSpec, NodeKeys, NodeSpec, Spec, TreeSpec, UpstreamSpec};

/// So many items of a list of dialects, or of a position, tell whether it is a good one.
const ENOUGH: usize = 16;

/// What a node says itself, and whether braces in it stand for something.
#[derive(Clone, Copy)]
struct Own<'a> {
    keys: &'a NodeKeys,
    is_template: bool,
}

/// The most levels of a tree: a way from one end of it to the other would break every hop limit.
const MAX_LEVELS: usize = 255;

impl Expander<'_> {
    /// Makes the nodes of `[nodes]`.
    pub(super) fn nodes<'a>(&mut self, spec: &'a Spec, groups: &Groups<'a>) {
        for node in &spec.nodes {
            let inherited = groups.inherited(Some(&node.keys));
            match &node.count {
                Some(count) => match self.counters(count) {
                    Some(counters) => self.template(node, &counters, &inherited),
                    None => self.doubt(&node.name.value),
                },
                None if node.name.value.contains(['{', '}']) => self.no_count(node),
                None => {
                    if self.take_nodes(1, &node.name.span, &node.name.value) {
                        let own = Own { keys: &node.keys, is_template: false };
                        self.node(node.name.clone(), own, &inherited, &[], None);
                    }
                }
            }
        }
    }

    fn no_count(&mut self, node: &NodeSpec) {
        let name = &node.name.value;
        let message = format!("{} has braces, but nothing counts", quoted(name));
        let problem = Diagnostic::error(codes::BAD_TEMPLATE, message)
            .label(&node.name.span, "a template without `count`")
            .help("add `count = 4`, for example, or take the braces out of the name");
        self.problems.push(problem);
        self.doubt(name);
    }

    fn template(&mut self, node: &NodeSpec, counters: &[Counter<'_>], inherited: &Inherited<'_>) {
        let lengths = counters.iter().map(Counter::length);
        let count = lengths.fold(1_u64, u64::saturating_mul);
        let count_at = node.count.as_ref().and_then(|count| count.counters.first());
        let place = count_at.map_or(&node.name.span, |counter| &counter.value.span);
        if !self.take_nodes(count, place, &node.name.value) {
            return;
        }
        let own = Own { keys: &node.keys, is_template: true };
        let mut names = HashSet::new();
        for step in 0..count {
            // The last counter is the fastest.
            let mut left = step;
            let mut at: Vec<(&str, i64)> = Vec::with_capacity(counters.len());
            for counter in counters.iter().rev() {
                at.push((counter.name, counter.at(left % counter.length())));
                left /= counter.length();
            }
            at.reverse();
            let scope = Scope { counters: at, words: Vec::new() };
            let Some(name) = self.one(&node.name, &scope) else {
                self.doubt(&node.name.value);
                return;
            };
            if !names.insert(name.value.clone()) {
                self.same_names(
                    &node.name,
                    &name.value,
                    "several nodes of this template",
                    counters,
                );
                return;
            }
            self.node(name, own, inherited, &scope.counters, None);
        }
    }

    fn same_names(&mut self, at: &At<String>, name: &str, who: &str, counters: &[Counter<'_>]) {
        let message = format!("{who} are called {}", quoted(name));
        let example = counters.iter().map(|c| format!("`{{{}}}`", c.name)).collect::<Vec<_>>();
        let problem = Diagnostic::error(codes::BAD_TEMPLATE, message)
            .label(&at.span, "not every counter tells them apart")
            .help(format!("put {} into the name", example.join(" and ")));
        self.problems.push(problem);
        self.doubt(&at.value);
    }

    /// Makes one node; `parent` is its parent in a tree.
    fn node(
        &mut self,
        name: At<String>,
        own: Own<'_>,
        inherited: &Inherited<'_>,
        counters: &[(&str, i64)],
        parent: Option<(&str, UpstreamSpec)>,
    ) {
        let mut words = vec![("name", name.value.as_str())];
        words.extend(parent.as_ref().map(|(parent, _)| ("parent", *parent)));
        let scope = Scope { counters: counters.to_vec(), words };
        let mut text =
            |own_text: Option<&At<String>>, inherited: Option<&At<String>>| match own_text
                .filter(|_| !own.is_template)
            {
                Some(literal) => Some(literal.clone()),
                None => self.one(own_text.or(inherited)?, &scope),
            };
        let keys = own.keys;
        let bind = text(keys.bind.as_ref(), inherited.bind);
        let address = text(keys.address.as_ref(), inherited.address);
        let host = text(keys.host.as_ref(), inherited.host);
        let label = text(keys.label.as_ref(), inherited.label);
        let written = keys.upstream.as_deref().or(inherited.upstream).unwrap_or_default();
        let mut upstream = Vec::new();
        for spec in written {
            for node in self.all(&spec.node, &scope) {
                let (cost, impairment) = (spec.cost.clone(), spec.impairment.clone());
                upstream.push(UpstreamSpec { node, cost, impairment });
            }
        }
        upstream.extend(parent.map(|(_, link)| link));
        let mut limits = keys.limits.clone();
        for limit in &inherited.limits {
            if keys.limits.iter().all(|own| own.key.value != limit.key.value) {
                limits.push((*limit).clone());
            }
        }
        let dialects = keys.dialects.as_ref().or(inherited.dialects).map(|dialects| At {
            value: dialects.value.iter().take(ENOUGH).cloned().collect(),
            span: dialects.span.clone(),
        });
        let position = keys.position.as_ref().or(inherited.position).map(|position| At {
            value: position.value.iter().take(ENOUGH).cloned().collect(),
            span: position.span.clone(),
        });
        let upstream = Some(upstream);
        let groups = None;
        let keys =
            NodeKeys { groups, bind, address, upstream, dialects, host, label, position, limits };
        self.made.push(NodeSpec { name, count: None, keys });
    }

    /// Makes the nodes of `[[trees]]`.
    pub(super) fn trees<'a>(&mut self, spec: &'a Spec, groups: &Groups<'a>) {
        for tree in &spec.trees {
            let made = self.tree(tree, groups);
            if !tree.whole {
                // What stands below could be called anything.
                self.doubt("");
            } else if made < tree.levels.len() {
                self.doubtful.extend(starts(tree).into_iter().skip(made));
            }
        }
        let declared: HashSet<&str> = self.made.iter().map(|n| n.name.value.as_str()).collect();
        let mut roots: Vec<&At<String>> = Vec::new();
        for root in spec.trees.iter().filter_map(|tree| tree.root.as_ref()) {
            let known = roots.iter().any(|other| other.value == root.value);
            if !known && !declared.contains(root.value.as_str()) {
                roots.push(root);
            }
        }
        let none = NodeKeys::default();
        for root in roots {
            if self.take_nodes(1, &root.span, &root.value) {
                let own = Own { keys: &none, is_template: false };
                self.node(root.clone(), own, &groups.inherited(None), &[], None);
            }
        }
    }

    /// Makes the levels of a tree; how many of them could be made.
    fn tree<'a>(&mut self, tree: &'a TreeSpec, groups: &Groups<'a>) -> usize {
        let Some(root) = &tree.root else {
            return 0;
        };
        let mut parents = vec![root.value.clone()];
        for (made, level) in tree.levels.iter().enumerate() {
            if made == MAX_LEVELS {
                let message = format!("a tree of more than {MAX_LEVELS} levels");
                let problem = Diagnostic::error(codes::BAD_TEMPLATE, message)
                    .label(&level.names.span, "one level too many")
                    .help("no path is as long as that: hop limits end at 255");
                self.problems.push(problem);
                return made;
            }
            let Ok(fan_out @ 1..) = u64::try_from(level.fan_out.value) else {
                let message = format!("a fan-out of {} makes no nodes", level.fan_out.value);
                let problem = Diagnostic::error(codes::BAD_TEMPLATE, message)
                    .label(&level.fan_out.span, "below 1")
                    .help("write how many nodes there are below each node of the level above");
                self.problems.push(problem);
                return made;
            };
            let count = fan_out.saturating_mul(parents.len() as u64);
            if !self.take_nodes(count, &level.fan_out.span, &level.names.value) {
                return made;
            }
            match self.level(level, &parents, fan_out, &groups.inherited(Some(&level.keys))) {
                Some(names) => parents = names,
                None => return made,
            }
        }
        tree.levels.len()
    }

    /// Makes the nodes of a level, and gives their names.
    fn level(
        &mut self,
        level: &LevelSpec,
        parents: &[String],
        fan_out: u64,
        inherited: &Inherited<'_>,
    ) -> Option<Vec<String>> {
        let own = Own { keys: &level.keys, is_template: true };
        let (mut names, mut seen) = (Vec::new(), HashSet::new());
        for parent in parents {
            for i in 1..=fan_out {
                let n = i64::try_from(names.len() + 1).ok()?;
                let counters = vec![("n", n), ("i", i64::try_from(i).ok()?)];
                let scope = Scope { counters, words: vec![("parent", parent)] };
                let name = self.one(&level.names, &scope)?;
                if !seen.insert(name.value.clone()) {
                    let message =
                        format!("several nodes of this level are called {}", quoted(&name.value));
                    let problem = Diagnostic::error(codes::BAD_TEMPLATE, message)
                        .label(&level.names.span, "this does not tell them apart")
                        .help("put `{n}`, or `{parent}` and `{i}`, into the names");
                    self.problems.push(problem);
                    return None;
                }
                let up = UpstreamSpec {
                    node: At { value: parent.clone(), span: level.names.span.clone() },
                    cost: level.cost.clone(),
                    impairment: level.impairment.clone(),
                };
                names.push(name.value.clone());
                self.node(name, own, inherited, &scope.counters, Some((parent, up)));
            }
        }
        Some(names)
    }
}

/// What the names of each level of a tree begin with, as far as they are the same.
fn starts(tree: &TreeSpec) -> Vec<String> {
    let mut parent = tree.root.as_ref().map_or(String::new(), |root| root.value.clone());
    let mut starts = Vec::new();
    for level in &tree.levels {
        let names = level.names.value.as_str();
        parent = match names.strip_prefix("{parent}") {
            // The root is one, so its name is followed by what the level says; the names of other parents
            // go on in ways of their own.
            Some(rest) if starts.is_empty() => {
                format!("{parent}{}", rest.split('{').next().unwrap_or_default())
            }
            Some(_) => parent,
            None => names.split('{').next().unwrap_or_default().to_owned(),
        };
        starts.push(parent.clone());
    }
    starts
}
