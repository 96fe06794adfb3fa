"""A node that dials a hostile listener: whatever is sent back, the node lives, and its memory is flat."""

import itertools
import os
import secrets
import socket
import subprocess
import threading
import time

import pytest
import zmq

import zmtp
from clients import Client
from memory import Growth, sized

TOPOLOGY = """\
[mesh]
name = "listener"
key_file = "key"

[nodes.east]
bind = "tcp://127.0.0.1:{east}"
upstream = ["evil"]

[nodes.evil]
bind = "tcp://127.0.0.1:{evil}"
"""

READY = zmtp.frame(b"\x05READY" + zmtp.metadata(b"Socket-Type", b"ROUTER"), zmtp.COMMAND)
SHAKEN = zmtp.GREETING + READY

# What the listener says to whoever dials; then it holds the connection until it is closed.
WORDS = {
    "a command of 2^62 bytes before READY": zmtp.GREETING + zmtp.head(1 << 62, zmtp.COMMAND),
    "a READY of 2^40 bytes": zmtp.GREETING + zmtp.head(1 << 40, zmtp.COMMAND) + b"\x05READY",
    "a frame of 2^40 bytes": SHAKEN + zmtp.head(1 << 40),
    "a frame of 2^36 bytes with more to come": SHAKEN + zmtp.head(1 << 36, zmtp.MORE) + b"x",
    "endless frames": SHAKEN + b"\x01\x00" * 400_000,
    "endless commands": SHAKEN + zmtp.frame(b"\x05HELLO", zmtp.COMMAND) * 1_000,
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(100),
    "an old ZMTP": b"\xff" + bytes(8) + b"\x7f\x01\x06" + bytes(100),
    "another mechanism": zmtp.GREETING[:12] + b"CURVE".ljust(20, b"\0") + bytes(32),
    "a PUB socket": zmtp.GREETING
    + zmtp.frame(b"\x05READY" + zmtp.metadata(b"Socket-Type", b"PUB"), zmtp.COMMAND),
    "an error": zmtp.GREETING + zmtp.frame(b"\x05ERROR\x02no", zmtp.COMMAND),
    "noise": SHAKEN + os.urandom(20_000),
}


class Listener(threading.Thread):
    """Says one of the words to each that dials, in turn, and counts how often each was said."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.said = dict.fromkeys(WORDS, 0)

    def run(self):
        for name in itertools.cycle(WORDS):
            try:
                stream, _ = self.server.accept()
            except OSError:
                return
            with stream:
                stream.settimeout(10)
                try:
                    stream.sendall(WORDS[name])
                    while stream.recv(65536):
                        pass
                except OSError:
                    pass
            self.said[name] += 1


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def dialler(hopline, tmp_path):
    server = socket.create_server(("127.0.0.1", 0))
    ports = {"east": free_port(), "evil": server.getsockname()[1]}
    (tmp_path / "mesh.toml").write_text(TOPOLOGY.format(**ports))
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text(secrets.token_hex(32))
    listener = Listener(server)
    listener.start()
    command = [hopline, "node", str(tmp_path / "mesh.toml"), "east"]
    with open(tmp_path / "log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
    yield process, f"tcp://127.0.0.1:{ports['east']}", listener, tmp_path / "log"
    process.terminate()
    process.wait()
    server.close()


def test_scenario_57_a_hostile_listener_costs_a_dialling_node_nothing(dialler):
    process, endpoint, listener, log = dialler
    context = zmq.Context()
    client = Client(context.socket(zmq.DEALER), endpoint, b"alice")
    client.say("east", id=0)
    assert client.recv()["node"] == "east"
    growth = Growth(process.pid)
    rounds = sized(5, 1)
    # The node dials with a growing pause, up to 5 s.
    deadline = time.monotonic() + 280
    while min(listener.said.values()) < rounds:
        assert time.monotonic() < deadline, listener.said
        assert process.poll() is None, log.read_text()
        client.say("east", id=1)
        assert client.recv()["node"] == "east"
        growth.look()
        assert client.socket.poll(100) == 0
    growth.is_under(20)
    logged = log.read_text()
    assert "frame too large" in logged and "too many frames" in logged, logged
    assert logged.count("\n") < 20 * (rounds + 5), "too many lines"
    client.close()
    context.term()
