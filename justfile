# The list of commands. `just` shows it; CI runs `just ci`.

set shell := ["bash", "-euo", "pipefail", "-c"]

export CARGO_TERM_COLOR := env("CARGO_TERM_COLOR", "auto")

# show this list
default:
    @just --list --unsorted

# all tests, or those that match: `just test -p hopline-mesh decide`
test *ARGS:
    cargo test --workspace --locked {{ARGS}}

# clippy as CI has it
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# format all sources
fmt:
    cargo fmt --all

# the API's pages, as strict as CI; `just doc --open` shows them
doc *ARGS:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked {{ARGS}}

# every topology in `topologies/` is good and routes as it expects, every one in `topologies/invalid/` is told as it says
check:
    cargo build --locked --bin hopline
    .ci/check-topologies target/debug/hopline

# the whole story in one command
demo *ARGS:
    cargo run --release --locked -- demo {{ARGS}}

# measurements, or those that match: `just bench route`
bench *ARGS:
    cargo bench --workspace --locked {{ARGS}}

# the networks in HOPLINE_REAL_TOPOLOGIES, each with every link down, from every node: minutes
real:
    HOPLINE_REAL_ALL=1 cargo test --release --locked --test real

# each single failure in the networks of more than 200 nodes, simulated: hours, or one share: `just real-largest 3/20`
real-largest SHARE="1/1":
    HOPLINE_REAL_SHARE={{SHARE}} cargo test --release --locked --test real failures_in_published_networks

# the simulated meshes with so many times as many seeds as usual
seeds TIMES="20" *ARGS:
    HOPLINE_SIM_TIMES={{TIMES}} cargo test --release --locked -p hopline-testkit {{ARGS}}

# fuzzing, each target for so many seconds: `just fuzz`, `just fuzz 600 walker brain` (needs cargo-fuzz)
fuzz SECONDS="60" *TARGETS:
    .ci/fuzz {{SECONDS}} {{TARGETS}}

# foreign clients (pyzmq, txzmq, Node's zeromq, raw sockets) against real nodes; installs their packages into target/
interop *ARGS:
    cargo build --locked --bin hopline
    cargo build --workspace --examples --locked
    HOPLINE_BIN="$PWD/target/debug/hopline" tests/interop/run.sh {{ARGS}}

# the full sizes of what CI runs small: probes, churn, half-open sockets, floods of stalled clients (minutes)
soak *ARGS:
    cargo build --release --locked --bin hopline
    cargo build --workspace --examples --locked
    HOPLINE_SOAK=1 HOPLINE_BIN="$PWD/target/release/hopline" tests/interop/run.sh test_siege.py test_stalled.py test_listener.py {{ARGS}}

# licences, sources and advisories of the dependencies (needs cargo-deny and the network)
deny:
    cargo deny --locked check

# take over the snapshots that `just test` wrote (needs cargo-insta)
review:
    cargo insta review

# everything that CI runs, in its order
ci:
    bash .ci/run
