//! Access rules: that each says one thing, of names that can be and of nodes that are there.

use hopline_mesh::route::access::{
    AccessRules, AttachRule, Effect, NameSet, NameSetError, SendRule,
};

use super::{Checker, quoted};
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::spec::{AccessSpec, At, Texts};

impl<'a> Checker<'a> {
    /// The rules in their order.
    pub(super) fn access(&mut self) -> AccessRules {
        let mut rules = AccessRules::default();
        for spec in &self.spec.attach {
            let said = self.effect(spec);
            let at = spec.at.as_ref().map(|at| {
                self.not_empty("at", at);
                self.known_nodes("at", &at.value).into_iter().collect()
            });
            if let Some((effect, who)) = said {
                rules.attach.push(AttachRule { effect, who, at });
            }
        }
        for spec in &self.spec.send {
            let said = self.effect(spec);
            let to = spec.to.as_ref().map(|to| self.name_set("to", to));
            if let Some((effect, who)) = said {
                rules.send.push(SendRule {
                    effect,
                    who,
                    to: to.unwrap_or_else(NameSet::everybody),
                });
            }
        }
        rules
    }

    /// What a rule says, and of whom.
    fn effect(&mut self, spec: &'a AccessSpec) -> Option<(Effect, NameSet)> {
        match (&spec.allow, &spec.deny) {
            (Some(allow), None) => Some((Effect::Allow, self.name_set("allow", allow))),
            (None, Some(deny)) => Some((Effect::Deny, self.name_set("deny", deny))),
            (Some(allow), Some(deny)) => {
                let problem = Diagnostic::error(codes::BAD_ACCESS, "a rule that allows and denies")
                    .label(&deny.span, "who may not")
                    .label(&allow.span, "who may")
                    .help("make two rules of it; the first that matches counts");
                self.problems.push(problem);
                None
            }
            (None, None) => {
                if !spec.misread {
                    let message = "a rule that neither allows nor denies";
                    let problem = Diagnostic::error(codes::BAD_ACCESS, message)
                        .label(&spec.place, "it says nothing")
                        .help("say who may, `allow = \"...\"`, or who may not, `deny = \"...\"`");
                    self.problems.push(problem);
                }
                None
            }
        }
    }

    /// The names that a list stands for; what stands for none is told.
    fn name_set(&mut self, key: &str, list: &'a Texts) -> NameSet {
        self.not_empty(key, list);
        self.once(key, &list.value);
        let mut set = NameSet::default();
        for at in &list.value {
            if let Err(error) = set.add(&at.value) {
                self.no_names(key, at, &error);
            }
        }
        set
    }

    fn not_empty(&mut self, key: &str, list: &Texts) {
        if list.value.is_empty() {
            self.bad_access(&format!("`{key}` lists none"), &list.span, "empty", help(key));
        }
    }

    fn no_names(&mut self, key: &str, at: &At<String>, error: &NameSetError) {
        let text = at.value.as_str();
        let stem = text.trim_end_matches(['*', '.']);
        let help = match error {
            NameSetError::IsText(name) => format!("write `{name}`, which its client goes by"),
            NameSetError::NoBytes if NameSet::parse([text.to_lowercase().as_str()]).is_ok() => {
                format!("write `{}`", text.to_lowercase())
            }
            NameSetError::Mark('*') if text.ends_with('*') && NameSet::parse([stem]).is_ok() => {
                format!("did you mean `{stem}.*`, all names under `{stem}`?")
            }
            _ => help(key).to_owned(),
        };
        let message = format!("{} stands for no names", quoted(text));
        self.bad_access(&message, &at.span, &error.to_string(), &help);
    }

    fn bad_access(&mut self, message: &str, place: &Span, why: &str, help: &str) {
        let problem = Diagnostic::error(codes::BAD_ACCESS, message).label(place, why).help(help);
        self.problems.push(problem);
    }
}

fn help(key: &str) -> &'static str {
    match key {
        "at" => "name the nodes, or leave `at` out: then the rule is for every node",
        "to" => "write names, all under one as `prefix.*`, or leave `to` out: then it is for all",
        _ => {
            "write names, all under one as `prefix.*`, `hex:*` for those in hexadecimal, or `*` for all"
        }
    }
}
