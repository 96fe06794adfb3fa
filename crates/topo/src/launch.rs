//! Running meshes: a process for each node, and a supervisor that watches over them.
//!
//! ```text
//!                      lock, key, plan, ports, processes, logs   (Place)
//!                                      |
//!   supervise() --+-- keeper of east --+-- process of east
//!        |        +-- keeper of top  ----- process of top      stdin:  setup, addresses, questions
//!        |        +-- keeper of west ----- process of west     stdout: ready or failed, status, leaving
//!    decisions                                                 stderr: the node's log
//!  Backoff, Lack
//! ```
//!
//! A node's process ends when its stdin does, so none outlives its supervisor, not even one that was
//! killed. Only the supervisor writes the state of a running mesh; whoever wants to know of it reads it
//! with [`Running`], and ends it with [`stop`].

mod agreement;
mod alone;
mod apply;
mod asking;
mod backoff;
mod desk;
mod error;
mod farewell;
mod fleet;
mod handover;
mod homes;
mod incarnation;
mod keeper;
mod key;
mod lock;
mod parting;
mod place;
mod process;
mod records;
mod report;
mod running;
mod share;
mod silence;
mod sockets;
mod start;
mod stop;
mod store;
mod supervise;
mod supervised;
mod troubles;
mod uncounted;
mod words;

pub use agreement::{Lack, disagreement, disagreement_of, missing, unconverged};
pub use alone::{AloneError, next_run, run_alone};
pub use apply::Applied;
pub use backoff::Backoff;
pub use desk::{FromSupervisor, ToSupervisor};
pub use error::{Failure, LaunchError};
pub use farewell::Ending;
pub use homes::Homes;
pub use key::read_key;
pub use lock::Lock;
pub use place::Place;
pub use process::Identity;
pub use records::{ProcessRecord, ProcessState, SupervisorRecord};
pub use report::Report;
pub use running::{Found, Running};
pub use share::Share;
pub use sockets::control_socket;
pub use start::{MeshRules, node_config};
pub use stop::{Stopped, stop};
pub use store::open_supervisor_log;
pub use supervise::{Launch, supervise};
pub use supervised::run_supervised;
pub use uncounted::has_guests;
pub use words::{FromNode, Setup, ToNode};
