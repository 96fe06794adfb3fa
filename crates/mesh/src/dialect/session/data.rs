//! What becomes of the text that a client of the session dialect sends as DATA.

use std::fmt;

use serde_json::{Value, json};

/// How much of a text is repeated, in characters.
const ECHO: usize = 100;

/// A text that a client has sent in its session.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    /// The client's identity, as text.
    pub client: &'a str,
    /// The name that it gave in its HELLO.
    pub name: &'a str,
    /// The text, inflated.
    pub text: &'a str,
    /// Which message of the session it is, 1 for the first.
    pub number: u64,
    /// When it came, in Unix seconds.
    pub at: f64,
}

/// What a node makes of the texts that clients of the session dialect send, and what it acknowledges them with.
///
/// # Examples
/// ```
/// use hopline_mesh::dialect::session::{Data, DataHandler};
/// use serde_json::{Value, json};
///
/// #[derive(Debug)]
/// struct Shout;
///
/// impl DataHandler for Shout {
///     fn handle(&self, data: &Data<'_>) -> Value {
///         json!({"message_number": data.number, "echo": data.text.to_uppercase()})
///     }
/// }
/// ```
pub trait DataHandler: fmt::Debug + Send + Sync {
    /// Handles one text; what it gives is the payload of the `DATA_ACK`.
    ///
    /// It is called in the node's own loop, in the order in which texts come: nothing else moves meanwhile. What
    /// takes more than a few microseconds belongs into a task that the handler hands the text to.
    fn handle(&self, data: &Data<'_>) -> Value;
}

/// The handler where none is set: says how long the text was, and repeats its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Echo;

impl DataHandler for Echo {
    fn handle(&self, data: &Data<'_>) -> Value {
        json!({
            "original_size": data.text.len(),
            "processed_at": data.at,
            "message_number": data.number,
            "echo": data.text.chars().take(ECHO).collect::<String>(),
        })
    }
}
