"""The pattern alone: pyzmq with core's examples, which have a bare Router or a bare Dealer and no node."""

import json
import os
import pathlib
import signal
import subprocess
import zlib

import pytest
import zmq

import libraries
from clients import Client
from mesh import PATIENCE
from test_broker import BrokerClient
from test_session import SessionClient


class Servers:
    """Runs an example at a free port, and clients of it."""

    def __init__(self, context):
        self.context = context
        self.open = []

    def serve(self, name):
        """Starts an example that serves; gives its endpoint."""
        process = subprocess.Popen(
            [program(name), "tcp://127.0.0.1:0"], stdout=subprocess.PIPE, text=True
        )
        self.open.append(Process(process))
        said = process.stdout.readline()
        assert "tcp://127.0.0.1:" in said, said
        return said[said.index("tcp://") :].split()[0]

    def client(self, endpoint, identity=None, kind=zmq.DEALER):
        client = Client(self.context.socket(kind), endpoint, identity)
        self.open.append(client)
        return client

    def close(self):
        for each in reversed(self.open):
            each.close()


class Process:
    def __init__(self, process):
        self.process = process

    def close(self):
        """It still runs, whatever was sent to it."""
        ended = self.process.poll()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        assert ended is None, f"it has ended: {ended}"


def program(name):
    return str(pathlib.Path(os.environ["HOPLINE_EXAMPLES"]) / name)


@pytest.fixture
def servers():
    context = zmq.Context()
    servers = Servers(context)
    yield servers
    servers.close()
    context.term()


@pytest.mark.parametrize("kind", [zmq.DEALER, zmq.REQ])
def test_a_bare_router_answers_dealers_and_reqs(servers, kind):
    endpoint = servers.serve("echo_router")
    for identity in (None, b"ann", b"\xff\x01"):
        client = servers.client(endpoint, identity, kind)
        for frames in ([b"one"], [b"two", b"", b"\x00" * 100_000], [b""]):
            client.send(*frames)
            assert client.recv_raw() == frames


def test_a_bare_router_keeps_many_apart(servers):
    endpoint = servers.serve("echo_router")
    clients = [servers.client(endpoint) for _ in range(20)]
    for number in range(50):
        for index, client in enumerate(clients):
            client.send(f"{index} {number}")
    for index, client in enumerate(clients):
        said = [client.recv_bytes() for _ in range(50)]
        assert said == [f"{index} {number}".encode() for number in range(50)]


def test_a_pyzmq_router_is_the_peer_of_a_bare_dealer(servers):
    """The broker is Python here, and the client Rust; its replies are those that dialects.md gives."""
    router = servers.context.socket(zmq.ROUTER)
    router.linger = 0
    servers.open.append(router)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    ann = subprocess.Popen(
        [program("broker_client"), f"tcp://127.0.0.1:{port}", "ann", "bob"],
        stdout=subprocess.PIPE,
        text=True,
    )
    listed = {"name": "ann", "connected_since": 1.5, "last_activity": 1.5, "message_count": 2}
    expected = [
        ({"type": "register", "name": "ann"}, {"type": "registration_ack", "client_id": "ann"}),
        ({"type": "list_clients"}, {"type": "client_list", "clients": [listed], "total": 1}),
        (
            {"type": "direct_message", "target": "bob", "content": "hi"},
            {"type": "delivery_confirmation", "target": "bob", "status": "delivered"},
        ),
        (
            {"type": "broadcast", "content": ["to", "all"]},
            {"type": "broadcast_confirmation", "recipients": 3},
        ),
        ({"type": "ping"}, {"type": "pong", "timestamp": 1.5, "stats": {}}),
    ]
    try:
        for request, reply in expected:
            assert router.poll(PATIENCE * 1000), "nothing came"
            identity, frame = router.recv_multipart()
            assert identity == b"ann" and json.loads(frame) == request
            # What was not asked for comes between, and answers nothing.
            note = {"type": "broadcast", "from": "eve", "content": 1, "timestamp": 1.5}
            router.send_multipart([identity, json.dumps(note).encode()])
            router.send_multipart([identity, json.dumps(reply).encode()])
        said, _ = ann.communicate(timeout=PATIENCE)
        assert ann.returncode == 0 and "ann: 1 clients" in said and '"pong"' in said, said
    finally:
        ann.kill()


class Broker(BrokerClient):
    """Says and hears objects one by one, whatever library it is of."""

    def say(self, **request):
        self.client.send(json.dumps(request))

    def hear(self, kind):
        said = self.recv()
        assert said["type"] == kind, said
        return said

    def get(self, reply, **request):
        self.say(**request)
        return self.hear(reply)


def libraries_at(servers, endpoint):
    """One client of each library."""
    foreign = [library(endpoint, name) for library, name in ((libraries.txzmq, b"tx"), (libraries.node, b"node"))]
    servers.open.extend(foreign)
    return [Broker(client) for client in [servers.client(endpoint, b"py"), *foreign]]


def test_the_broker_row_by_row(servers):
    ann, bob, eve = libraries_at(servers, servers.serve("broker"))
    for client, identity, name in ((ann, "py", "ann"), (bob, "tx", "bob")):
        ack = client.get("registration_ack", type="register", name=name)
        assert ack == {
            "type": "registration_ack",
            "status": "success",
            "client_id": identity,
            "message": f"Registered as {name}",
        }
    ann.say(type="direct_message", target="bob", content={"a": [1, None]}, **{"from": "eve"})
    note = bob.hear("direct_message")
    assert isinstance(note.pop("timestamp"), float)
    assert note == {"type": "direct_message", "from": "ann", "content": {"a": [1, None]}}
    confirmation = {"type": "delivery_confirmation", "target": "bob", "status": "delivered"}
    assert ann.hear("delivery_confirmation") == confirmation
    # Who has not registered may do everything, and is unknown.
    eve.say(type="direct_message", target="ann")
    assert eve.hear("delivery_confirmation")["target"] == "ann"
    note = ann.hear("direct_message")
    assert (note["from"], note["content"]) == ("unknown", None)

    assert ann.get("broadcast_confirmation", type="broadcast", content=[1])["recipients"] == 2
    for client in (bob, eve):
        note = client.hear("broadcast")
        assert (note["from"], note["content"]) == ("ann", [1]) and isinstance(note["timestamp"], float)

    found = ann.get("client_list", type="list_clients")
    assert found["total"] == 3
    for client in found["clients"]:
        assert client.pop("connected_since") <= client.pop("last_activity")
    by_name = {client["name"]: client["message_count"] for client in found["clients"]}
    assert by_name == {"ann": 4, "bob": 1, "unnamed": 1}
    # Six messages came before this one: each was answered, and four went on to others.
    pong = ann.get("pong", type="ping")
    assert pong["stats"] == {"received": 7, "sent": 10, "errors": 0} and isinstance(pong["timestamp"], float)

    # To oneself: the message, and its confirmation. Registering again renames.
    assert bob.get("registration_ack", type="register", name=[7])["message"] == "Registered as [7]"
    bob.say(type="direct_message", target="[7]", content=1)
    assert bob.hear("direct_message")["from"] == "[7]"
    bob.hear("delivery_confirmation")
    assert ann.get("registration_ack", type="register")["message"] == "Registered as unnamed"


def test_what_the_broker_refuses(servers):
    endpoint = servers.serve("broker")
    ann = Broker(servers.client(endpoint, b"\xff\x01"))
    for text, why in [
        ('{"type":"direct_message","target":"bob"}', "Target client 'bob' not found"),
        ('{"type":"direct_message"}', "Target client 'None' not found"),
        ('{"type":"dance"}', "Unknown message type: dance"),
        ("{}", "Unknown message type: None"),
    ]:
        assert ann.error(text) == why
    deep = b'{"type":' + b"[" * 100_000
    for text in (b"", b"\xff", b"nonsense", b"[]", b"null", b'{"type":"ping","x":NaN}', deep, deep[8:]):
        assert ann.error(text).startswith("Message processing error: "), text
    # Frames behind the first are ignored.
    assert ann.error(b"{}", b"more") == "Unknown message type: None"
    assert ann.get("pong", type="ping")["stats"] == {"received": 14, "sent": 13, "errors": 13}


def test_two_anonymous_clients_are_two_and_who_has_gone_is_forgotten(servers):
    endpoint = servers.serve("broker")
    one, other = Broker(servers.client(endpoint)), Broker(servers.client(endpoint))
    ids = {each.get("registration_ack", type="register", name="x")["client_id"] for each in (one, other)}
    assert len(ids) == 2
    assert one.get("client_list", type="list_clients")["total"] == 2
    servers.open.remove(other.client)
    other.client.close()
    for _ in range(10_000):
        if one.get("client_list", type="list_clients")["total"] == 1:
            break
    else:
        raise AssertionError("it is still listed")
    assert one.get("broadcast_confirmation", type="broadcast")["recipients"] == 0


@pytest.mark.parametrize("library", ["pyzmq", "txzmq", "node"])
def test_the_protocol_of_ones_own_row_by_row(servers, library):
    endpoint = servers.serve("custom_protocol")
    if library == "pyzmq":
        client = servers.client(endpoint, b"ann")
    else:
        client = getattr(libraries, library)(endpoint, b"ann")
        servers.open.append(client)
    ann = SessionClient(client)
    assert ann.error("DATA", b"x") == "Not authenticated"
    assert ann.hello() == "ann"
    text = "\U0001f600" * 5_000
    for number, compressed in enumerate((False, True), 1):
        payload = text.encode()
        payload = zlib.compress(payload) if compressed else payload
        kind, said = ann.ask("DATA", payload, compressed=compressed)
        assert kind == "DATA_ACK" and isinstance(said.pop("processed_at"), float)
        assert said == {"original_size": 20_000, "message_number": number, "echo": text[:100]}
    assert ann.ask("PING", b"\xff")[1]["client_count"] == 1
    for version in ("2.0", 1.0, None):
        assert ann.error("PING", version=version) == "Unsupported protocol version"
    long = "?" * 3_000
    assert ann.error(long) == f"Unknown message type: {long}"
    assert ann.error(None) == "Unknown message type: None"
    bomb = zlib.compress(bytes(17 << 20))
    for payload in (b"", b"plain", bomb[:-1], bomb):
        assert ann.error("PING", payload, compressed=True).startswith("Protocol error: ")
    for payload in (b"", b"[]", b"\xff"):
        assert ann.error("HELLO", payload).startswith("Hello processing error: ")
    assert ann.error("DATA", b"\xff").startswith("Protocol error: ")
    assert ann.ask("DATA", b"x")[1]["message_number"] == 3
    assert ann.ask("BYE") == ("BYE_ACK", {"status": "goodbye"})
    assert ann.error("DATA", b"x") == "Not authenticated"
    for frames in ((b"{}",), (b"nope", b""), (b"[]", b"")):
        ann.client.send(*frames)
        header, said = ann.recv()
        assert header["type"] == "ERROR" and "reply_to" not in header
        assert said["error"].startswith(("Invalid message format", "Protocol error: "))
