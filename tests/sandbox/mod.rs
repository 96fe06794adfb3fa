//! A place of its own for a test that runs the program: state, sockets, files.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use hopline::topo::launch::{Found, Homes, Identity, Running};
use tokio::time::{Instant, interval, timeout};

/// How long anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How many lines of each log are shown where a test fails.
const LAST_LINES: usize = 40;

/// The regions topology on free ports. What its tests hold against words must not depend on how busy the machine is.
pub(crate) const REGIONS: &str = r#"
[mesh]
name = "regions"
link_silence = "10s"

[nodes.top]
bind = "auto"

[nodes.east]
bind = "auto"
upstream = ["top"]

[nodes.west]
bind = "auto"
upstream = ["top"]

[clients]
alice = "east"
bob = "west"

[routes.east]
"south.*" = "upstream"
"#;

/// A directory with everything that the program may touch. Whatever runs from it is stopped at the end.
pub(crate) struct Sandbox {
    dir: tempfile::TempDir,
    files: Vec<PathBuf>,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        // Short, for the sockets in it.
        let dir = tempfile::Builder::new().prefix("hl").tempdir_in("/tmp").unwrap();
        for sub in ["state", "run", "home"] {
            std::fs::create_dir(dir.path().join(sub)).unwrap();
        }
        Self { dir, files: Vec::new() }
    }

    /// A sandbox with the regions topology.
    pub(crate) fn with_regions() -> (Self, PathBuf) {
        let mut sandbox = Self::new();
        let file = sandbox.file("regions.toml", REGIONS);
        (sandbox, file)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    /// Writes a topology file.
    pub(crate) fn file(&mut self, name: &str, text: &str) -> PathBuf {
        let file = self.path().join(name);
        std::fs::write(&file, text).unwrap();
        self.files.push(file.clone());
        file
    }

    pub(crate) fn homes(&self) -> Homes {
        Homes {
            state: self.dir.path().join("state/hopline"),
            runtime: vec![self.dir.path().join("run")],
        }
    }

    /// The program, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hopline"));
        command
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path().join("home"))
            .env("XDG_STATE_HOME", self.dir.path().join("state"))
            .env("XDG_RUNTIME_DIR", self.dir.path().join("run"));
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs the program, which must succeed, and gives its stdout.
    pub(crate) fn data(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {text}{told}");
        text
    }

    /// Runs the program, which must succeed, and gives the JSON that it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.data(arguments)).unwrap()
    }

    /// A command and everything it shows, without what differs from run to run.
    pub(crate) fn show(&self, arguments: &[&str]) -> String {
        self.shown(arguments, &self.run(arguments))
    }

    /// A command and everything that it has shown.
    pub(crate) fn shown(&self, arguments: &[&str], output: &Output) -> String {
        let mut text = format!("$ hopline {}\n", arguments.join(" "));
        text.push_str(&String::from_utf8_lossy(&output.stdout));
        if !output.stderr.is_empty() {
            text.push_str("--- stderr\n");
            text.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        text.push_str(&format!("--- exit {}\n", output.status.code().unwrap_or(-1)));
        self.mask(&text)
    }

    fn mask(&self, text: &str) -> String {
        let mut text = text.replace(&self.path().display().to_string(), "[DIR]");
        for before in ["tcp://127.0.0.1:", "process ", "hopline.", "routes, after "] {
            text = without_number(&text, before);
        }
        text
    }

    /// The mesh of `file`, which must run.
    pub(crate) fn running(&self, file: &Path) -> Running {
        match Running::find(&self.homes(), file).unwrap() {
            Found::Running(running) => *running,
            other => panic!("no mesh runs: {other:?}"),
        }
    }

    /// The processes of the mesh of `file`: the supervisor, then the nodes.
    pub(crate) fn processes(&self, file: &Path) -> Vec<Identity> {
        let running = self.running(file);
        let nodes = running.processes.into_values().filter_map(|record| record.process);
        [running.supervisor.process].into_iter().chain(nodes).collect()
    }

    /// What a test that failed leaves behind for whoever has to find out why: how its meshes are, and what they said.
    #[expect(clippy::print_stderr, reason = "it is shown with the test that failed")]
    fn tell_all(&self) {
        for file in &self.files {
            let output = self.run(&["status", &file.display().to_string()]);
            eprintln!("{}", self.shown(&["status"], &output));
        }
        let state = self.homes().state;
        let below = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten();
        let logs = below(&state).flat_map(|mesh| below(&mesh.path().join("logs")));
        for log in logs.map(|log| log.path()) {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let last: Vec<_> = text.lines().rev().take(LAST_LINES).collect();
            eprintln!("--- the end of {}", log.display());
            last.iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell_all();
        }
        for file in &self.files {
            let _ = self.command(&["down", &file.display().to_string()]).output();
        }
    }
}

/// Sends processes a signal, and says whether all of them were there. Who was to stop stands still then: when `kill` is done
/// the signal is only on its way, and a busy machine lets a process do one thing more.
pub(crate) fn signal(name: &str, pids: &[u32]) -> bool {
    let sent = Command::new("kill").arg(name).args(pids.iter().map(u32::to_string)).status();
    let is_sent = sent.unwrap().success();
    let deadline = Instant::now() + PATIENCE;
    while is_sent && name == "-STOP" && !pids.iter().all(|pid| stands_still(*pid)) {
        assert!(Instant::now() < deadline, "{pids:?} stop: not within {PATIENCE:?}");
        std::thread::yield_now();
    }
    is_sent
}

/// Whether every thread of a process is stopped.
fn stands_still(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let mut states = threads.flatten().filter_map(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).ok()?;
        // Behind the name, which stands in brackets and may hold any.
        stat.rsplit_once(") ").map(|(_, rest)| rest.starts_with('T'))
    });
    states.all(|is_stopped| is_stopped)
}

/// Waits until `condition` holds; fails after [`PATIENCE`].
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let mut look = interval(Duration::from_millis(10));
    let held = timeout(PATIENCE, async {
        while !condition().await {
            look.tick().await;
        }
    });
    assert!(held.await.is_ok(), "{what}: not within {PATIENCE:?}");
}

/// `text` with `[N]` for each number that stands right behind `before`.
fn without_number(text: &str, before: &str) -> String {
    let mut parts = text.split(before);
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        masked.push_str(before);
        if rest.len() < part.len() {
            masked.push_str("[N]");
        }
        masked.push_str(rest);
    }
    masked
}
