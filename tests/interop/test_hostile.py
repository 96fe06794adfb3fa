"""Bytes from strangers: the node closes or answers, counts it under a name, and goes on serving."""

import os
import random
import struct

import pytest

import zmtp
from mesh import wait_for

MAGIC = b"\xf5HOP"
DATA, ERROR, HELLO, CONTROL = 1, 3, 6, 10
OPERATOR = 2


@pytest.fixture
def node(mesh, clients):
    return Target(mesh, clients, "east")


class Target:
    """The node under attack, and a client that was there before."""

    def __init__(self, mesh, clients, name):
        self.mesh = mesh
        self.clients = clients
        self.name = name
        self.endpoint = mesh.endpoints[name]
        self.witness = clients.attach(name, "witness")
        self.before = mesh.counters(name)

    def counts(self, *reasons):
        """Waits until one of these counters has grown."""
        now = {}

        def grown():
            now.update(self.mesh.counters(self.name))
            return any(now.get(reason, 0) > self.before.get(reason, 0) for reason in reasons)

        wait_for(grown, lambda: f"none of {reasons} has grown: {self.before} -> {now}")

    def lives(self):
        """Old and new clients are served, and the links stand."""
        for client in [self.witness, self.clients.connect(self.name)]:
            client.say("west", id=1)
            assert client.recv()["node"] == "west"


def test_a_frame_that_declares_a_terabyte_ends_its_own_connection_only(node):
    stream = zmtp.dealer(node.endpoint)
    stream.sendall(zmtp.head(1 << 40) + b"x")
    assert zmtp.is_closed(stream)
    node.counts("frame too large")
    node.lives()


def test_a_handshake_that_declares_a_terabyte_ends_its_own_connection_only(node):
    stream = zmtp.connect(node.endpoint)
    stream.sendall(zmtp.GREETING + zmtp.head(1 << 40, zmtp.COMMAND))
    assert zmtp.is_closed(stream)
    node.counts("frame too large", "bad handshake", "bad command")
    node.lives()


def test_a_frame_with_the_greatest_length_there_is_ends_its_own_connection_only(node):
    stream = zmtp.dealer(node.endpoint)
    stream.sendall(zmtp.head((1 << 64) - 1))
    assert zmtp.is_closed(stream)
    node.counts("frame too large")
    node.lives()


def test_a_message_of_endless_frames_is_cut_off(node):
    stream = zmtp.dealer(node.endpoint)
    try:
        stream.sendall(zmtp.frame(b"", zmtp.MORE) * 100_000)
    except OSError:
        pass
    assert zmtp.is_closed(stream)
    node.counts("too many frames")
    node.lives()


STRANGERS = {
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + b" " * 64,
    "tls": bytes.fromhex("1603010200010001fc0303") + bytes(range(200)),
    "zeros": bytes(64),
    "ones": b"\xff" * 64,
    "noise": random.Random(1).randbytes(4096),
}


@pytest.mark.parametrize("said", STRANGERS.values(), ids=STRANGERS)
def test_another_protocol_is_shown_out(node, said):
    stream = zmtp.connect(node.endpoint)
    stream.sendall(said)
    assert zmtp.is_closed(stream)
    node.counts("bad greeting", "bad version", "bad mechanism")
    node.lives()


def test_noise_after_the_handshake_is_shown_out_or_answered(node):
    for seed in range(20):
        stream = zmtp.dealer(node.endpoint)
        try:
            stream.sendall(random.Random(seed).randbytes(2000))
        except OSError:
            pass
        stream.close()
    node.lives()


def test_a_message_that_ends_in_its_midst_is_thrown_away(node):
    stream = zmtp.dealer(node.endpoint, b"torn")
    stream.sendall(zmtp.frame(b'{"destination":', zmtp.MORE) + zmtp.head(1000) + b"half")
    stream.close()
    node.counts("aborted")
    node.lives()


def test_an_identity_of_256_bytes_is_refused(node):
    stream = zmtp.connect(node.endpoint)
    stream.sendall(zmtp.GREETING)
    body = b"\x05READY" + zmtp.metadata(b"Socket-Type", b"DEALER")
    stream.sendall(zmtp.frame(body + zmtp.metadata(b"Identity", b"i" * 256), zmtp.COMMAND))
    assert zmtp.is_closed(stream)
    node.counts("bad identity")
    node.lives()


def test_silent_strangers_keep_nobody_out_and_are_shown_out(node):
    strangers = [zmtp.connect(node.endpoint) for _ in range(100)]
    node.lives()
    for stranger in strangers:
        assert zmtp.is_closed(stranger)
    node.counts("handshake timeout")


def test_a_ping_is_answered(node):
    stream = zmtp.dealer(node.endpoint)
    stream.sendall(zmtp.frame(b"\x04PING" + struct.pack(">H", 0) + b"ctx", zmtp.COMMAND))
    assert zmtp.read_frame(stream) == (zmtp.COMMAND, b"\x04PONGctx")
    node.lives()


def prefix(kind=DATA, version=1, magic=MAGIC, delivery=0, flags=0, destination=b"witness", tail=b""):
    fixed = magic + bytes([version, kind, delivery, flags, 64, 0, 0, 0]) + struct.pack("<QQ", 1, 1)
    return fixed + struct.pack("<H", len(destination)) + destination + struct.pack("<H", 0) + tail


FOREIGN = {
    "wrong version": ([prefix(version=9), b"", b"x"], "wrong version", b"version 9"),
    "unknown kind": ([prefix(kind=77), b"", b"x"], "unknown kind", b"kind 77"),
    "unknown class": ([prefix(delivery=9), b"", b"x"], "unknown class", b"class 9"),
    "cut in the prefix": ([prefix()[:20], b"", b"x"], "truncated message", b"prefix"),
    "cut in the destination": ([prefix()[:32], b"", b"x"], "truncated message", b"destination"),
    "nothing but the magic": ([MAGIC], "truncated message", b"prefix"),
    "not utf-8": ([prefix(destination=b"\xff\xff"), b"", b"x"], "malformed message", b"UTF-8"),
}


@pytest.mark.parametrize("frames, counter, why", FOREIGN.values(), ids=FOREIGN)
def test_a_native_message_that_is_wrong_is_answered_natively(node, frames, counter, why):
    client = node.clients.connect(node.name)
    client.send(*frames)
    answer = client.recv_raw()
    assert answer[0].startswith(MAGIC)
    assert answer[0][5] == ERROR
    assert why in answer[0], answer[0]
    node.counts(counter)
    node.lives()


def test_a_wrong_magic_is_no_native_message(node):
    client = node.clients.connect(node.name)
    client.send(prefix(magic=b"\xf5HOQ"))
    assert client.recv_error()["message"].startswith("Malformed message")
    node.counts("malformed message")
    node.lives()


def test_a_native_message_reaches_a_json_client(node):
    """So that the wrong ones above are wrong in one thing only."""
    client = node.clients.connect(node.name, b"native")
    client.send(prefix(destination=b"witness"), b"", b"plain text")
    got = node.witness.recv()
    assert got == {
        "content": "plain text",
        "route_path": ["east"],
        "original_sender": "native",
    }


def test_an_order_through_the_port_is_refused(node):
    cut_top = b"\x81\xa3cut\x81\xa9neighbour\xa3top"
    client = node.clients.connect(node.name, b"saboteur")
    client.send(prefix(CONTROL, flags=OPERATOR, destination=b"east"), b"", cut_top)
    answer = client.recv_raw()
    assert b"refused" in answer[2] and b"not allowed" in answer[2], answer
    node.counts("not allowed")
    node.lives()


def test_a_stranger_without_the_key_becomes_no_node(node):
    nonce = b"\xc4\x20" + bytes(32)
    said = b"\x81\xa4open\x83\xa4mesh\xa7interop\xa4node\xa4evil\xa5nonce" + nonce
    # Whoever has sent less than any answer has is not answered at all.
    stream = zmtp.dealer(node.endpoint)
    stream.sendall(zmtp.message(prefix(HELLO, destination=b""), b"", said))
    stream.settimeout(5)
    assert stream.recv(1) == b""
    client = node.clients.connect(node.name, b"evil")
    client.send(prefix(HELLO, destination=b""), b"", said, bytes(320))
    assert b"challenge" in client.recv_raw()[2]
    client.send(prefix(HELLO, destination=b""), b"", b"\x81\xa5proof\x81\xa5proof" + nonce)
    answer = client.recv_raw()
    assert b"refused" in answer[2] and b"wrong key" in answer[2], answer
    node.counts("wrong key")
    node.counts("short hello")
    node.lives()


def test_many_random_messages_leave_the_node_as_it_was(node):
    chance = random.Random(int(os.environ.get("HOPLINE_SEED", "7")))
    heads = [b"", MAGIC, MAGIC + b"\x01", prefix(), prefix(CONTROL), b'{"destination":', b'{"type":']
    sender = node.clients.connect(node.name, b"noisy")
    for _ in range(1000):
        frames = [
            chance.choice(heads) + chance.randbytes(chance.choice([0, 1, 9, 60, 300]))
            for _ in range(chance.randint(1, 5))
        ]
        sender.send(*frames)
        while sender.socket.poll(0):
            sender.recv_raw()
    node.counts("malformed message", "truncated message", "unknown kind")
    fresh = node.clients.connect(node.name)
    fresh.say("west")
    assert fresh.recv()["node"] == "west"
    # The noise may have hit upon the witness's name with a payload of its own.
    node.witness.say("west", id="after the noise")
    while node.witness.recv().get("id") != "after the noise":
        pass
