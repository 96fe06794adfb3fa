//! Processes by more than their number, which the system gives out again.

use std::fs;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

/// A process that cannot be taken for a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its number.
    pub pid: u32,
    /// When it started, as the system writes it; for comparing only.
    pub started: Option<String>,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It runs, or would.
    Runs,
    /// Somebody has stopped it (SIGSTOP), or traces it.
    Stopped,
}

impl State {
    /// As its letter in proc(5) and ps(1) says; none of a process that has ended.
    fn of(letters: &str) -> Option<Self> {
        match letters.chars().next()? {
            'Z' | 'X' => None,
            'T' | 't' => Some(Self::Stopped),
            _ => Some(Self::Runs),
        }
    }
}

impl Identity {
    /// The process that has the number `pid` now.
    pub async fn of(pid: u32) -> Self {
        let started = look(pid).await.map(|(_, started)| started);
        Self { pid, started }
    }

    /// Whether the process is still there.
    pub async fn is_alive(&self) -> bool {
        self.state().await.is_some()
    }

    /// What the process does; none where it is not there any more.
    pub(super) async fn state(&self) -> Option<State> {
        pid(self.pid).filter(|pid| test_kill_process(*pid).is_ok())?;
        match (look(self.pid).await, &self.started) {
            (Some((state, started)), Some(known)) if started == *known => Some(state),
            // Where nothing can be looked up, its number has to do.
            (None, None) => Some(State::Runs),
            _ => None,
        }
    }

    /// Asks the process to end.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// As Ctrl-C does.
    pub(super) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Ends the process at once, if it is still the one that this is.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = pid(self.pid) {
            // The only thing that can go wrong is that it has ended, which is what is wanted.
            let _ = kill_process(pid, signal);
        }
    }
}

fn pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// What a process does, and when it started; none where there is none, or where it has ended and nobody has noticed.
async fn look(pid: u32) -> Option<(State, String)> {
    match fs::read_to_string("/proc/self/stat") {
        Ok(_) => from_proc(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?),
        Err(_) => from_ps(pid).await,
    }
}

/// Fields 3, 20 and 22 of proc(5)'s `stat`: state, threads, start. The second, the program's name in brackets, may hold
/// anything.
///
/// A process that was killed is a zombie while others of its threads still end: until the last one has, its files are
/// open, and its locks held.
fn from_proc(stat: &str) -> Option<(State, String)> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let letter = fields.next()?;
    let threads = fields.nth(16)?;
    let is_ending = letter == "Z" && threads.parse().is_ok_and(|threads: u32| threads > 1);
    let state = if is_ending { State::Runs } else { State::of(letter)? };
    Some((state, fields.nth(1)?.to_owned()))
}

async fn from_ps(pid: u32) -> Option<(State, String)> {
    let mut ps = Command::new("ps");
    let ps = ps.args(["-o", "state=,lstart=", "-p", &pid.to_string()]);
    let output = ps.env("LC_ALL", "C").output().await.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (state, started) = text.trim().split_once(char::is_whitespace)?;
    Some((State::of(state)?, started.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_is_told_from_a_later_one_with_its_number() {
        let me = Identity::of(std::process::id()).await;
        assert!(me.is_alive().await);
        let other = Identity { started: Some("before".to_owned()), ..me };
        assert!(!other.is_alive().await);
    }

    #[test]
    fn a_programs_name_may_hold_blanks_and_brackets() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1 2";
        assert_eq!(from_proc(stat), Some((State::Runs, "4242".to_owned())));
        let stopped = from_proc(&stat.replace(" S ", " T "));
        assert_eq!(stopped, Some((State::Stopped, "4242".to_owned())));
        assert_eq!(from_proc(&stat.replace(" S ", " Z ")), None);
    }

    #[test]
    fn a_process_that_was_killed_is_there_until_its_threads_have_ended() {
        let stat = "7 (a) Z 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 2 0 4242 1 2";
        assert_eq!(from_proc(stat), Some((State::Runs, "4242".to_owned())));
        assert_eq!(from_proc(&stat.replace(" 2 0 4242", " 1 0 4242")), None);
    }

    #[tokio::test]
    async fn ps_knows_this_process_where_there_is_a_ps() {
        if Command::new("ps").arg("-A").output().await.is_ok() {
            assert!(from_ps(std::process::id()).await.is_some());
        }
    }
}
