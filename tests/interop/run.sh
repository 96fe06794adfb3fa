#!/usr/bin/env bash
# Foreign clients against real nodes and against core's examples: libzmq by way of pyzmq, txzmq in a Twisted reactor and
# Node's zeromq; and raw sockets.
#
#   HOPLINE_BIN=target/debug/hopline tests/interop/run.sh [PYTEST ARGUMENTS]
#
# Makes its Python environment under target/, or where HOPLINE_VENV says, and its folder of Node's packages beside it.
# HOPLINE_EXAMPLES names the folder of core's examples. Fails if anything is missing: a check that did not run has not
# passed. Only without Node.js, and not in CI, the tests that need it say that they did not run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

hopline=${HOPLINE_BIN:-$root/target/debug/hopline}
case $hopline in
/*) ;;
*) hopline=$PWD/$hopline ;;
esac
if [ ! -x "$hopline" ]; then
    echo "there is no program at $hopline: build it, or set HOPLINE_BIN" >&2
    exit 2
fi

venv=${HOPLINE_VENV:-$root/target/interop-venv}
python=$venv/bin/python

make_venv() {
    rm -rf "$venv"
    if python3 -m venv "$venv"; then
        return
    fi
    # Some systems keep the module apart from Python.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -q && apt-get install -qy python3-venv
        rm -rf "$venv"
        python3 -m venv "$venv"
        return
    fi
    echo "python3 cannot make a virtual environment: install its venv module" >&2
    return 2
}

if ! command -v python3 >/dev/null; then
    echo "python3 is missing" >&2
    exit 2
fi
if [ ! -x "$python" ] || ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    make_venv
    "$python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi

modules=$root/target/interop-node
if command -v npm >/dev/null && command -v node >/dev/null; then
    if ! cmp -s "$here/foreign/package.json" "$modules/package.json" || [ ! -d "$modules/node_modules/zeromq" ]; then
        rm -rf "$modules"
        mkdir -p "$modules"
        cp "$here/foreign/package.json" "$modules/package.json"
        (cd "$modules" && npm install --silent --ignore-scripts --no-audit --no-fund --no-package-lock)
    fi
    export HOPLINE_NODE_MODULES=$modules
elif [ "${CI:-}" = true ]; then
    echo "node and npm are missing" >&2
    exit 2
else
    echo "node and npm are missing: what needs them does NOT run" >&2
    unset HOPLINE_NODE_MODULES
fi

examples=${HOPLINE_EXAMPLES:-$root/target/debug/examples}
case $examples in
/*) ;;
*) examples=$PWD/$examples ;;
esac
for example in broker broker_client custom_protocol echo_router; do
    if [ ! -x "$examples/$example" ]; then
        echo "there is no program at $examples/$example: cargo build --workspace --examples" >&2
        exit 2
    fi
done

export HOPLINE_EXAMPLES=$examples
export HOPLINE_BIN=$hopline
export PYTHONDONTWRITEBYTECODE=1
cd "$here"
exec "$python" -m pytest -q -p no:cacheprovider --strict-markers "$@"
