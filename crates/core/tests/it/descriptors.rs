//! A router in a process of its own that has few file descriptors, or none.
//!
//! Each test runs twice: as itself, and once more as a child of itself that is the router.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use hopline_core::{Router, RouterEvent, RouterOptions, raise_descriptor_limit};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::raw::{frame, greeting, ready};
use crate::rig::now;

const ROLE: &str = "HOPLINE_TEST_ROUTER";
const PATIENCE: Duration = Duration::from_secs(20);

/// Scenario 70: a connection for which there are no descriptors is refused and counted, those that are
/// there are served, and when some leave, others may come.
#[test]
fn scenario_70_a_connection_that_would_leave_too_few_descriptors_is_refused() {
    if std::env::var_os(ROLE).is_some() {
        return router();
    }
    let mut server =
        Server::start("scenario_70_a_connection_that_would_leave_too_few_descriptors_is_refused");
    let mut inside = Vec::new();
    let refused = loop {
        match server.dial() {
            Some(stream) => inside.push(stream),
            None => break inside.len(),
        }
        assert!(inside.len() < 100, "256 descriptors are not enough for these");
    };
    assert!(refused >= 50, "it took in {refused}");
    for stream in &mut inside {
        stream.write_all(&frame(false, b"hi")).expect("written");
        let mut echo = [0; 4];
        stream.read_exact(&mut echo).expect("it serves those that are in");
        assert_eq!(&echo, &[0, 2, b'h', b'i']);
    }
    let counted: u64 = server.ask("refused").parse().expect("a number");
    assert!(counted >= 1);
    inside.truncate(10);
    let since = now();
    while server.dial().is_none() {
        assert!(since.elapsed() < PATIENCE, "nobody is let in any more");
    }
}

/// Scenario 70: without any descriptor the port waits, takes little of the processor, and goes on when
/// there are some again.
#[test]
fn scenario_70_a_port_without_descriptors_waits_and_recovers() {
    if std::env::var_os(ROLE).is_some() {
        return router();
    }
    let mut server = Server::start("scenario_70_a_port_without_descriptors_waits_and_recovers");
    let _inside = server.dial().expect("there is room");
    assert_eq!(server.ask("fill"), "full");
    let mut waiting = server.connect();
    let before: u64 = server.ask("cpu").parse().expect("a number");
    let since = now();
    waiting.set_read_timeout(Some(Duration::from_secs(2))).expect("set");
    let error = waiting.read(&mut [0; 64]).expect_err("it cannot be served");
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    let used: u64 = server.ask("cpu").parse().expect("a number");
    let share = (used - before) as f64 / since.elapsed().as_micros() as f64;
    assert!(share < 0.2, "it took {share} of a processor");
    assert_eq!(server.ask("free"), "freed");
    waiting.set_read_timeout(Some(PATIENCE)).expect("set");
    waiting.read_exact(&mut [0; 64]).expect("a greeting");
    assert!(server.dial().is_some());
}

#[test]
fn the_limit_of_descriptors_is_raised_as_far_as_it_goes() {
    let raised = raise_descriptor_limit().expect("allowed");
    let limit = getrlimit(Resource::Nofile);
    assert_eq!(limit.current.unwrap_or(u64::MAX), raised);
    assert!(limit.maximum.is_none_or(|most| raised == most) || cfg!(target_os = "macos"));
    assert_eq!(raise_descriptor_limit().expect("allowed"), raised);
}

/// A router in a child of this process.
struct Server {
    child: Child,
    lines: Receiver<String>,
    port: u16,
}

impl Server {
    /// Runs `test` once more, as the router.
    fn start(test: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", &format!("descriptors::{test}"), "--nocapture", "--test-threads=1"])
            .env(ROLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let stdout = child.stdout.take().expect("piped");
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // The harness talks as well, before and on the same line.
                if let Some((_, answer)) = line.split_once("router: ") {
                    let _ = tell.send(answer.to_owned());
                }
            }
        });
        let mut server = Self { child, lines, port: 0 };
        server.port = server.heard().parse().expect("a port");
        server
    }

    fn heard(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the router answers")
    }

    fn ask(&mut self, word: &str) -> String {
        let stdin = self.child.stdin.as_mut().expect("piped");
        writeln!(stdin, "{word}").expect("asked");
        self.heard()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream
    }

    /// A stranger that has shaken hands, unless it is refused.
    fn dial(&self) -> Option<TcpStream> {
        let mut stream = self.connect();
        // It may be closed already.
        let _ = stream.write_all(&[greeting(), ready("DEALER", b"")].concat());
        let mut head = [0; 64 + 2];
        stream.read_exact(&mut head).ok()?;
        let mut body = vec![0; head[65].into()];
        stream.read_exact(&mut body).ok()?;
        Some(stream)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The router: it echoes, and does what is said on stdin, until that ends.
fn router() {
    let limit = Rlimit { current: Some(256), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).expect("set");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let endpoint = "tcp://127.0.0.1:0".parse().expect("an endpoint");
        let mut router = Router::bind(&endpoint, RouterOptions::default()).await.expect("bound");
        say(&router.endpoints()[0].port().expect("a port").to_string());
        let (tell, mut words) = tokio::sync::mpsc::channel(8);
        std::thread::spawn(move || {
            io::stdin().lock().lines().map_while(Result::ok).for_each(|word| {
                let _ = tell.blocking_send(word);
            });
        });
        let mut files = Vec::new();
        loop {
            let event = tokio::select! {
                event = router.recv_event() => event,
                word = words.recv() => match word.as_deref() {
                    Some("refused") => {
                        let refused = router.counts().refused;
                        say(&refused.get("no descriptors left").unwrap_or(&0).to_string());
                        continue;
                    }
                    Some("cpu") => {
                        let time = clock_gettime(ClockId::ProcessCPUTime);
                        say(&(time.tv_sec * 1_000_000 + time.tv_nsec / 1_000).to_string());
                        continue;
                    }
                    Some("fill") => {
                        files.extend(std::iter::from_fn(|| File::open("/dev/null").ok()));
                        say("full");
                        continue;
                    }
                    Some("free") => {
                        files.clear();
                        say("freed");
                        continue;
                    }
                    _ => break,
                },
            };
            if let RouterEvent::Message(from, frames) = event {
                let _ = router.sender().send_to(from, frames).await;
            }
        }
    });
}

fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "router: {text}").and_then(|()| stdout.flush()).expect("somebody listens");
}
