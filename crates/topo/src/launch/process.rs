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

impl Identity {
    /// The process that has the number `pid` now.
    pub async fn of(pid: u32) -> Self {
        let started = started(pid).await;
        Self { pid, started }
    }

    /// Whether the process is still there.
    pub async fn is_alive(&self) -> bool {
        let exists = pid(self.pid).is_some_and(|pid| test_kill_process(pid).is_ok());
        exists && started(self.pid).await == self.started
    }

    /// Asks the process to end.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
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

/// When the process started; none where there is none, or where it has ended and nobody has noticed.
async fn started(pid: u32) -> Option<String> {
    match fs::read_to_string("/proc/self/stat") {
        Ok(_) => from_proc(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?),
        Err(_) => from_ps(pid).await,
    }
}

/// Field 22 of proc(5)'s `stat`. The second, the program's name in brackets, may hold anything.
fn from_proc(stat: &str) -> Option<String> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let is_dead = matches!(state, "Z" | "X");
    fields.nth(18).filter(|_| !is_dead).map(str::to_owned)
}

async fn from_ps(pid: u32) -> Option<String> {
    let mut ps = Command::new("ps");
    let ps = ps.args(["-o", "state=,lstart=", "-p", &pid.to_string()]);
    let output = ps.env("LC_ALL", "C").output().await.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (state, started) = text.trim().split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| started.trim().to_owned())
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
        assert_eq!(from_proc(stat).as_deref(), Some("4242"));
        assert_eq!(from_proc(&stat.replace(" S ", " Z ")), None);
    }

    #[tokio::test]
    async fn ps_knows_this_process_where_there_is_a_ps() {
        if Command::new("ps").arg("-A").output().await.is_ok() {
            assert!(from_ps(std::process::id()).await.is_some());
        }
    }
}
