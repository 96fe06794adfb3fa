"""The session dialect, row by row, with the clients that speak it: a header and a payload, zlib where it is said."""

import json
import statistics
import threading
import time
import uuid
import zlib

import pytest
import zmq

import libraries
from memory import Growth, MIB


class SessionClient:
    """A client as its authors write it: two frames each way, and every reply names its request."""

    def __init__(self, client):
        self.client = client

    def send(self, kind, payload=b"", **header):
        header = {"version": "1.0", "type": kind, "id": str(uuid.uuid4()), "timestamp": time.time()} | header
        self.client.send(json.dumps(header), payload)
        return header.get("id")

    def recv(self):
        frames = self.client.recv_raw()
        assert len(frames) == 2, frames
        header, payload = json.loads(frames[0]), frames[1]
        assert header["version"] == "1.0" and isinstance(header["timestamp"], float), header
        if header["compressed"]:
            payload = zlib.decompress(payload)
        assert header["compressed"] == (len(payload) > 1024)
        return header, json.loads(payload)

    def ask(self, kind, payload=b"", **header):
        """What a request is answered with: the kind, and the payload."""
        request = self.send(kind, payload, **header)
        reply, said = self.recv()
        assert reply.get("reply_to") == request, reply
        return reply["type"], said

    def error(self, kind, payload=b"", **header):
        kind, said = self.ask(kind, payload, **header)
        assert kind == "ERROR", (kind, said)
        return said["error"]

    def hello(self, name="ann"):
        kind, said = self.ask("HELLO", json.dumps({"name": name}))
        assert kind == "WELCOME" and said["status"] == "welcome", said
        return said["session_id"]


def pyzmq(clients, kind=zmq.DEALER):
    return lambda node, identity=None: SessionClient(clients.connect(node, identity, kind))


def of(clients, library):
    return lambda node, identity=None: SessionClient(clients.of(library, node, identity))


# Whoever speaks the dialect, by kind of socket or by library.
SPEAKERS = {
    "dealer": pyzmq,
    "req": lambda clients: pyzmq(clients, zmq.REQ),
    "txzmq": lambda clients: of(clients, libraries.txzmq),
    "node": lambda clients: of(clients, libraries.node),
}


@pytest.fixture(params=["dealer", "txzmq", "node"])
def any_session(clients, request):
    return SPEAKERS[request.param](clients)


@pytest.fixture
def session(clients):
    return pyzmq(clients)


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_a_session_from_hello_to_bye(clients, speaker):
    ann = SPEAKERS[speaker](clients)("top", b"ann")
    assert ann.error("DATA", b"x") == "Not authenticated"
    assert ann.hello() == "ann"
    for number, text in enumerate(["h\u00e9", "x" * 300], 1):
        kind, said = ann.ask("DATA", text)
        assert kind == "DATA_ACK"
        assert said["original_size"] == len(text.encode()) and said["message_number"] == number
        assert said["echo"] == text[:100] and isinstance(said["processed_at"], float)
    kind, said = ann.ask("PING", b"\xff\x00")
    assert kind == "PONG" and said["client_count"] == 1 and isinstance(said["server_time"], float)
    assert ann.ask("BYE") == ("BYE_ACK", {"status": "goodbye"})
    assert ann.error("DATA", b"x") == "Not authenticated"
    assert ann.ask("BYE")[0] == "BYE_ACK"
    assert ann.ask("PING")[1]["client_count"] == 0


def test_compressed_payloads_go_in_and_long_replies_come_out_compressed(any_session):
    ann = any_session("top")
    kind, _ = ann.ask("HELLO", zlib.compress(b'{"name": "ann"}'), compressed=True)
    assert kind == "WELCOME"
    text = "\U0001f600" * 5_000
    kind, said = ann.ask("DATA", zlib.compress(text.encode()), compressed=True)
    assert said["original_size"] == 20_000 and said["echo"] == text[:100]
    kind = "?" * 3_000
    assert ann.error(kind) == f"Unknown message type: {kind}"


def test_two_anonymous_clients_are_two(any_session):
    one, other = any_session("top"), any_session("top")
    assert one.hello() != other.hello()
    assert one.ask("PING")[1]["client_count"] == 2
    one.ask("DATA", "x")
    assert other.ask("DATA", "x")[1]["message_number"] == 1


@pytest.mark.parametrize("number", [7, 1.5, None, {"a": [1]}, "", True])
def test_an_id_of_any_kind_comes_back(session, number):
    ann = session("top")
    for header in ({"id": number}, {"id": number, "version": "2.0"}):
        ann.send("PING", **header)
        reply, _ = ann.recv()
        assert "reply_to" in reply and reply["reply_to"] == number


def test_every_error_in_the_order_of_the_checks(any_session):
    ann = any_session("top")
    ann.hello()

    def told(*frames):
        ann.client.send(*frames)
        header, said = ann.recv()
        assert header["type"] == "ERROR"
        return said["error"]

    assert told(b"{}") == "Invalid message format"
    for header in (b"\xff", b"nope", b"[]", b""):
        assert told(header, b"").startswith("Protocol error: "), header
    assert told(b"{}", b"", b"more") == "Unsupported protocol version"
    for version in ("1", 1.0, None, ["1.0"]):
        assert ann.error("PING", b"bad", version=version, compressed=True) == "Unsupported protocol version"
    whole = zlib.compress(b"x" * 1_000)
    for payload in (b"", b"plain", whole[:-1], whole + b"x"):
        for kind in ("HELLO", "DATA", "PING", "BYE", "?"):
            assert ann.error(kind, payload, compressed=True).startswith("Protocol error: ")
    assert ann.error("?", whole, compressed=True) == "Unknown message type: ?"
    assert ann.error(None) == "Unknown message type: None"
    for payload in (b"", b"[]", b"\xff", b"nope"):
        assert ann.error("HELLO", payload).startswith("Hello processing error: ")
    assert ann.error("DATA", b"\xff").startswith("Protocol error: ")
    assert ann.ask("DATA", b"x")[1]["message_number"] == 1


def test_a_client_that_goes_takes_its_session_along(session, mesh):
    ann, bob = session("top", b"ann"), session("top", b"bob")
    ann.hello()
    bob.hello()
    ann.client.close()
    deadline = time.monotonic() + 20
    while bob.ask("PING")[1]["client_count"] != 1:
        assert time.monotonic() < deadline


def test_nobody_sends_mesh_messages_to_a_session(session, clients):
    ann = session("top", b"ann")
    ann.hello()
    bob = clients.attach("east", "bob")
    clients.settle({"ann": "top"})
    sent = bob.say("ann", content=1)
    error = bob.recv_error()
    assert error["message"] == "not accepted" and error["original_message"] == sent


def test_scenario_68_a_bomb_is_refused_and_keeps_nobody_waiting(session, mesh):
    """A MiB that would be a GiB: refused at the limit, in little memory, while another client is answered."""
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(MIB)) for _ in range(1024)) + packer.flush()
    assert len(bomb) < 1.1 * MIB
    pid = mesh.status()[1]["top"]["pid"]
    ann, bob = session("top", b"ann"), session("top", b"bob")
    ann.hello()
    bob.hello()
    growth = Growth(pid)
    late = [0.0]
    done = threading.Event()

    def pings():
        while not done.is_set():
            start = time.monotonic()
            bob.ask("PING")
            late[-1] = max(late[-1], time.monotonic() - start)
            growth.look()

    pinging = threading.Thread(target=pings)
    pinging.start()
    try:
        for kind in ("DATA", "PING", "HELLO", "BYE", "?"):
            error = ann.error(kind, bomb[: MIB - 512], compressed=True)
            assert error.startswith("Protocol error: "), error
            assert "larger than 16777216 bytes" in error, error
            late.append(0.0)
    finally:
        done.set()
        pinging.join()
    growth.is_under(32)
    # Of five bombs, so that it is the node that is measured and not who else uses the machine.
    assert statistics.median(late[:5]) < 0.1, late
