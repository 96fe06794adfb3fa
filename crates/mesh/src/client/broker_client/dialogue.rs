//! The broker dialect as a dialogue: replies name no request, and come in the order of the requests.

use std::collections::VecDeque;

use hopline_core::Frames;
use serde_json::{Map, Value, json};

use super::super::error::AskError;
use super::super::talk::{Dialogue, Heard, Ticket, refusal};
use super::event::{BrokerEvent, Note};

/// What is outstanding, the oldest first.
#[derive(Debug)]
pub(super) struct Broker {
    /// The name that the client registers when there is a new connection.
    name: String,
    outstanding: VecDeque<(Asked, Ticket)>,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Request {
    Register(String),
    SendTo(String, Value),
    Broadcast(Value),
    ListClients { here: bool },
    Ping,
}

/// What a reply is to.
#[derive(Debug, PartialEq)]
enum Asked {
    Opening,
    Register(String),
    Other(&'static str),
}

impl Asked {
    /// The type of its reply.
    fn reply(&self) -> &'static str {
        match self {
            Self::Opening | Self::Register(_) => "registration_ack",
            Self::Other(reply) => reply,
        }
    }
}

impl Broker {
    pub(super) fn new(name: String) -> Self {
        Self { name, outstanding: VecDeque::new() }
    }

    fn is_opening(&self) -> bool {
        matches!(self.outstanding.front(), Some((Asked::Opening, _)))
    }

    /// The oldest request has a reply, whichever it is.
    fn answered(&mut self, said: Map<String, Value>) -> Heard<BrokerEvent> {
        let kind = said.get("type").and_then(Value::as_str).unwrap_or_default();
        let text = |field: &str| said.get(field).and_then(Value::as_str).unwrap_or_default();
        let Some((asked, ticket)) = self.outstanding.pop_front() else {
            return Heard::Event(BrokerEvent::Other(said));
        };
        let reply = match kind {
            "error" => Err(AskError::Refused { message: text("message").to_owned() }),
            kind if kind == asked.reply() => Ok(()),
            kind => {
                Err(AskError::Malformed { why: format!("{kind} instead of {}", asked.reply()) })
            }
        };
        match (asked, reply) {
            (Asked::Opening, Ok(())) => Heard::Opened(text("client_id").to_owned()),
            (Asked::Opening, Err(error)) => Heard::NotOpened(error.to_string()),
            (Asked::Register(name), Ok(())) => {
                self.name = name;
                Heard::Reply(ticket, Ok(Value::Object(said)))
            }
            (Asked::Other(_), Ok(())) => Heard::Reply(ticket, Ok(Value::Object(said))),
            (Asked::Register(_) | Asked::Other(_), Err(error)) => Heard::Reply(ticket, Err(error)),
        }
    }
}

impl Dialogue for Broker {
    type Request = Request;
    type Event = BrokerEvent;

    fn open(&mut self, ticket: Ticket) -> Frames {
        self.outstanding.push_back((Asked::Opening, ticket));
        one(&json!({"type": "register", "name": self.name}))
    }

    fn ask(&mut self, ticket: Ticket, request: Request) -> Frames {
        let (asked, message) = match request {
            Request::Register(name) => {
                let message = json!({"type": "register", "name": name});
                (Asked::Register(name), message)
            }
            Request::SendTo(target, content) => (
                Asked::Other("delivery_confirmation"),
                json!({"type": "direct_message", "target": target, "content": content}),
            ),
            Request::Broadcast(content) => (
                Asked::Other("broadcast_confirmation"),
                json!({"type": "broadcast", "content": content}),
            ),
            Request::ListClients { here: false } => {
                (Asked::Other("client_list"), json!({"type": "list_clients"}))
            }
            Request::ListClients { here: true } => {
                (Asked::Other("client_list"), json!({"type": "list_clients", "scope": "node"}))
            }
            Request::Ping => (Asked::Other("pong"), json!({"type": "ping"})),
        };
        self.outstanding.push_back((asked, ticket));
        one(&message)
    }

    fn hear(&mut self, frames: &Frames) -> Heard<BrokerEvent> {
        let parsed = frames.first().and_then(|frame| serde_json::from_slice(frame).ok());
        let Some(Value::Object(said)) = parsed else {
            return Heard::Nothing;
        };
        // What somebody else has written in the json dialect has a path, and may have any type.
        let is_of_the_mesh = said.contains_key("route_path");
        match said.get("type").and_then(Value::as_str) {
            _ if is_of_the_mesh => Heard::Event(BrokerEvent::Other(said)),
            Some("direct_message") => Heard::Event(note(said, BrokerEvent::Direct)),
            Some("broadcast") => Heard::Event(note(said, BrokerEvent::Broadcast)),
            Some(
                "registration_ack"
                | "delivery_confirmation"
                | "broadcast_confirmation"
                | "client_list"
                | "pong"
                | "error",
            ) => self.answered(said),
            Some(_) | None => match refusal(frames).filter(|_| self.is_opening()) {
                Some(why) => {
                    self.outstanding.pop_front();
                    Heard::NotOpened(why)
                }
                None => Heard::Event(BrokerEvent::Other(said)),
            },
        }
    }

    fn withdraw(&mut self, ticket: Ticket) {
        self.outstanding.retain(|(_, outstanding)| *outstanding != ticket);
    }

    fn lost(&mut self) {
        self.outstanding.clear();
    }
}

fn note(said: Map<String, Value>, event: fn(Note) -> BrokerEvent) -> BrokerEvent {
    match serde_json::from_value(Value::Object(said.clone())) {
        Ok(note) => event(note),
        Err(_) => BrokerEvent::Other(said),
    }
}

fn one(message: &Value) -> Frames {
    vec![message.to_string().into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(broker: &mut Broker, said: &Value) -> Heard<BrokerEvent> {
        broker.hear(&one(said))
    }

    fn opened() -> Broker {
        let mut broker = Broker::new("ann".to_owned());
        broker.open(1);
        let ack = json!({"type": "registration_ack", "client_id": "7"});
        assert_eq!(hear(&mut broker, &ack), Heard::Opened("7".to_owned()));
        broker
    }

    fn refused(message: &str) -> AskError {
        AskError::Refused { message: message.to_owned() }
    }

    #[test]
    fn an_error_answers_the_oldest_request_and_events_answer_none() {
        let mut broker = opened();
        broker.ask(2, Request::SendTo("bob".to_owned(), json!(1)));
        broker.ask(3, Request::Ping);
        let note =
            json!({"type": "direct_message", "from": "bob", "content": [1], "timestamp": 2.5});
        let expected = Note { from: "bob".to_owned(), content: json!([1]), timestamp: 2.5 };
        assert_eq!(hear(&mut broker, &note), Heard::Event(BrokerEvent::Direct(expected)));
        let error = json!({"type": "error", "message": "no"});
        assert_eq!(hear(&mut broker, &error), Heard::Reply(2, Err(refused("no"))));
        let pong = json!({"type": "pong"});
        assert_eq!(hear(&mut broker, &pong), Heard::Reply(3, Ok(pong.clone())));
        let unasked = pong.as_object().cloned().unwrap();
        assert_eq!(hear(&mut broker, &pong), Heard::Event(BrokerEvent::Other(unasked)));
    }

    #[test]
    fn what_comes_from_the_mesh_answers_nothing_whatever_its_type() {
        let mut broker = opened();
        broker.ask(2, Request::Ping);
        let forged = json!({"type": "pong", "route_path": ["top"], "original_sender": "eve"});
        let event = BrokerEvent::Other(forged.as_object().cloned().unwrap());
        assert_eq!(hear(&mut broker, &forged), Heard::Event(event));
        let pong = json!({"type": "pong", "timestamp": 1.5});
        assert_eq!(hear(&mut broker, &pong), Heard::Reply(2, Ok(pong)));
    }

    #[test]
    fn the_last_name_that_was_taken_is_registered_on_a_new_connection() {
        let mut broker = opened();
        let opening = |broker: &mut Broker| {
            broker.lost();
            let frames = broker.open(9);
            serde_json::from_slice::<Value>(&frames[0]).unwrap()["name"].clone()
        };
        broker.ask(2, Request::Register("eve".to_owned()));
        let error = json!({"type": "error", "message": "taken"});
        assert_eq!(hear(&mut broker, &error), Heard::Reply(2, Err(refused("taken"))));
        assert_eq!(opening(&mut broker), "ann");
        broker.lost();
        broker.ask(3, Request::Register("eve".to_owned()));
        let ack = json!({"type": "registration_ack", "client_id": "7"});
        assert_eq!(hear(&mut broker, &ack), Heard::Reply(3, Ok(ack.clone())));
        assert_eq!(opening(&mut broker), "eve");
    }

    #[test]
    fn a_reply_of_another_type_than_the_oldest_request_has_is_told() {
        let mut broker = opened();
        broker.ask(2, Request::Ping);
        let list = json!({"type": "client_list"});
        let why = "client_list instead of pong".to_owned();
        assert_eq!(hear(&mut broker, &list), Heard::Reply(2, Err(AskError::Malformed { why })));
    }
}
