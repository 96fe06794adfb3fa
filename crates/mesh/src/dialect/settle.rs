//! Which dialect a raw client's message is taken in.
//!
//! | frames | the first is | form |
//! |---|---|---|
//! | two or more | a JSON object with `version` | session |
//! | one | a JSON object with `destination` | json |
//! | one | a JSON object with `type`, and no `destination` | broker |
//!
//! The first form that a connection's messages have is what it speaks from then on; but json and broker are told apart
//! message by message. What has no form is answered in what the connection spoke last, before that in session's words
//! if it has two frames or more, else in json's. Where a node lists the dialects that raw clients may speak, one that
//! lists a single one answers everything in it.

use super::Dialect;
use super::object::Object;

/// What a message is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// A message of this dialect, or one that is answered in it as malformed.
    In(Dialect),
    /// A message of a dialect that is not listed, which is told in another one that is.
    Unlisted {
        /// What it was.
        form: Dialect,
        /// What it is answered in.
        told_in: Dialect,
    },
}

/// The form of a message of so many frames, of which the first is this object, if it is one.
pub(crate) fn form(frames: usize, first: Option<&Object<'_>>) -> Option<Dialect> {
    let has = |name| first.is_some_and(|object| object.last(name).is_some());
    match frames {
        0 => None,
        1 if has("destination") => Some(Dialect::Json),
        1 if has("type") => Some(Dialect::Broker),
        1 => None,
        _ => has("version").then_some(Dialect::Session),
    }
}

/// What a message of this form and so many frames is taken for, at a connection that has spoken `last`, where raw
/// clients may speak what is `listed`.
pub(crate) fn settle(
    form: Option<Dialect>,
    frames: usize,
    last: Option<Dialect>,
    listed: &[Dialect],
) -> Settled {
    let raw: Vec<_> = listed.iter().filter(|it| **it != Dialect::Native).copied().collect();
    if let [only] = raw[..] {
        return Settled::In(only);
    }
    let sticks = |dialect| matches!(dialect, Dialect::Json | Dialect::Broker);
    let dialect = match (last, form) {
        (Some(last), Some(form)) if sticks(last) && sticks(form) => form,
        (Some(last), _) => last,
        (None, Some(form)) => form,
        (None, None) if frames > 1 => Dialect::Session,
        (None, None) => Dialect::Json,
    };
    match raw.first() {
        // Nobody has spoken what is not listed: it is malformed in what is.
        Some(first) if form.is_none() && !raw.contains(&dialect) => Settled::In(*first),
        _ if raw.contains(&dialect) => Settled::In(dialect),
        Some(first) => Settled::Unlisted { form: dialect, told_in: *first },
        None => Settled::Unlisted { form: dialect, told_in: Dialect::Json },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Dialect::{Broker, Json, Native, Session};

    fn form_of(frames: &[&str]) -> Option<Dialect> {
        let object = frames.first().and_then(|first| Object::read(first.as_bytes()).ok());
        form(frames.len(), object.as_ref())
    }

    #[test]
    fn a_message_has_the_form_of_one_dialect_or_none() {
        assert_eq!(form_of(&["{\"version\":1}", ""]), Some(Session));
        assert_eq!(form_of(&["{\"destination\":1,\"type\":2}"]), Some(Json));
        assert_eq!(form_of(&["{\"type\":null}"]), Some(Broker));
        for none in [&[][..], &["{}"], &["{\"version\":1}"], &["{\"type\":1}", ""], &["[]", ""]] {
            assert_eq!(form_of(none), None, "{none:?}");
        }
    }

    #[test]
    fn the_first_form_sticks_but_between_json_and_broker() {
        let all = &Dialect::ALL;
        for (form, frames, last, settled) in [
            (None, 1, None, Json),
            (None, 2, None, Session),
            (Some(Broker), 1, None, Broker),
            (Some(Broker), 1, Some(Json), Broker),
            (Some(Json), 1, Some(Broker), Json),
            (Some(Session), 2, Some(Broker), Broker),
            (Some(Json), 1, Some(Session), Session),
            (None, 3, Some(Json), Json),
        ] {
            assert_eq!(settle(form, frames, last, all), Settled::In(settled));
        }
    }

    #[test]
    fn a_single_listed_dialect_answers_everything() {
        for form in [None, Some(Json), Some(Session)] {
            assert_eq!(settle(form, 1, None, &[Native, Broker]), Settled::In(Broker));
        }
        let listed = &[Session, Broker];
        assert_eq!(
            settle(Some(Json), 1, None, listed),
            Settled::Unlisted { form: Json, told_in: Session }
        );
        assert_eq!(settle(Some(Broker), 1, None, listed), Settled::In(Broker));
        assert_eq!(settle(None, 1, None, listed), Settled::In(Session));
    }
}
