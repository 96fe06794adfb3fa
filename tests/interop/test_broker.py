"""The broker dialect, row by row, with the clients that speak it: one node is a message broker, three are one broker."""

import contextlib
import json
import os
import signal
import threading
import time

import pytest
import zmq

from clients import Clients
from mesh import Mesh, wait_for

EVERYWHERE = ["east", "top", "west"]


class BrokerClient:
    """A client as its authors write it: one frame of JSON each way."""

    def __init__(self, client):
        self.client = client

    def send(self, kind, **fields):
        self.client.send(json.dumps({"type": kind, **fields}))

    def recv(self):
        return json.loads(self.client.recv_bytes())

    def ask(self, kind, **fields):
        self.send(kind, **fields)
        return self.recv()

    def error(self, *frames):
        """What is told of frames that are wrong."""
        self.client.send(*frames)
        error = self.recv()
        assert error["type"] == "error" and isinstance(error["timestamp"], float), error
        assert error.keys() == {"type", "message", "timestamp"}
        return error["message"]

    def register(self, name):
        acked = self.ask("register", name=name)
        assert acked["type"] == "registration_ack", acked
        return acked

    def is_quiet(self):
        """Whether nothing has come before the answer to a ping."""
        return self.ask("ping")["type"] == "pong"


def names_of(listing):
    return [client["name"] for client in listing["clients"]]


@pytest.fixture
def connect(clients):
    return lambda node="east", identity=None, kind=zmq.DEALER: BrokerClient(
        clients.connect(node, identity, kind)
    )


@contextlib.contextmanager
def opened(mesh, sockets=100):
    """Connects clients to the nodes of a mesh of its own."""
    context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, sockets)
    clients = Clients(context, mesh)
    try:
        yield lambda node: BrokerClient(clients.connect(node))
    finally:
        clients.close()
        context.term()


@pytest.fixture
def registered(connect):
    def at(node, name, **how):
        client = connect(node, **how)
        client.register(name)
        return client

    return at


def until_known(client, *names):
    """Waits until a client's node knows these registrations."""

    def known():
        return set(names) <= set(names_of(client.ask("list_clients")))

    wait_for(known, lambda: f"{names} are not listed")


@pytest.mark.parametrize("kind", [zmq.DEALER, zmq.REQ])
def test_registers_under_a_name_or_none(connect, kind):
    client = connect(identity=b"c-1", kind=kind)
    assert client.register("bob") == {
        "type": "registration_ack",
        "status": "success",
        "client_id": "c-1",
        "message": "Registered as bob",
    }
    assert client.ask("register")["message"] == "Registered as unnamed"
    assert client.ask("register", name=[1, 2])["message"] == "Registered as [1, 2]"
    assert client.ask("register", name="b\u00f6b")["message"] == "Registered as b\u00f6b"


def test_two_anonymous_clients_stay_two_and_so_do_two_of_bytes(connect):
    ids = [connect(identity=one).register("x")["client_id"] for one in (None, None, b"\xff\x01", b"\xff\x02")]
    assert len(set(ids)) == 4 and all(one.startswith("hex:") for one in ids)
    listing = connect().ask("list_clients")
    assert names_of(listing).count("x") == 4


@pytest.mark.parametrize("node", EVERYWHERE)
def test_a_direct_message_reaches_whoever_registered_in_the_east(registered, node):
    bob = registered("east", "bob")
    alice = registered(node, "alice")
    until_known(alice, "bob")
    content = {"text": "hi", "n": [1, 2.5, None, True], "deep": {"a": {}}}
    confirmed = alice.ask("direct_message", target="bob", content=content, **{"from": "mallory"})
    assert confirmed == {"type": "delivery_confirmation", "target": "bob", "status": "delivered"}
    got = bob.recv()
    assert isinstance(got.pop("timestamp"), float)
    assert got == {"type": "direct_message", "from": "alice", "content": content}
    # Without content it is null; and who has no name is unknown.
    alice.send("direct_message", target="bob")
    assert bob.recv()["content"] is None and alice.recv()["status"] == "delivered"


def test_who_is_told_that_it_is_registered_is_reached_from_everywhere_at_once(registered):
    for number in range(50):
        alice = registered("west", f"alice-{number}")
        bob = registered("east", f"bob-{number}")
        assert alice.ask("direct_message", target=f"bob-{number}")["status"] == "delivered"
        assert alice.ask("broadcast", content=1)["recipients"] == 2 * number + 1
        assert [bob.recv()["type"], bob.recv()["type"]] == ["direct_message", "broadcast"]


def test_who_never_registered_may_do_everything_and_is_unknown(connect, registered):
    bob = registered("west", "bob")
    stranger = connect("east")
    until_known(stranger, "bob")
    assert stranger.ask("direct_message", target="bob", content=1)["status"] == "delivered"
    assert bob.recv()["from"] == "unknown"
    assert stranger.ask("broadcast", content=2)["recipients"] == 1
    assert bob.recv()["from"] == "unknown"
    assert "unnamed" in names_of(stranger.ask("list_clients"))


def test_a_message_to_nobody_is_an_error(registered):
    alice = registered("east", "alice")
    for fields, told in [
        ({"target": "nobody"}, "nobody"),
        ({}, "None"),
        ({"target": None}, "None"),
        ({"target": 5}, "5"),
    ]:
        error = alice.ask("direct_message", content=1, **fields)
        assert error["message"] == f"Target client '{told}' not found"


def test_a_message_to_oneself_gives_both(registered):
    alice = registered("east", "alice")
    alice.send("direct_message", target="alice", content="x")
    assert [alice.recv()["type"], alice.recv()["type"]] == ["direct_message", "delivery_confirmation"]


def test_a_broadcast_reaches_every_client_of_the_mesh_but_the_sender(registered):
    alice = registered("east", "alice")
    others = [registered(node, f"other-{node}") for node in EVERYWHERE]
    until_known(alice, *(f"other-{node}" for node in EVERYWHERE))
    assert alice.ask("broadcast", content="all") == {"type": "broadcast_confirmation", "recipients": 3}
    for other in others:
        got = other.recv()
        assert isinstance(got.pop("timestamp"), float)
        assert got == {"type": "broadcast", "from": "alice", "content": "all"}
    assert alice.is_quiet()


def test_a_list_shows_everyone_of_the_mesh_or_of_the_node(registered):
    began = time.time()
    alice = registered("east", "alice")
    registered("west", "bob")
    listing = alice.ask("list_clients")
    assert listing.keys() == {"type", "clients", "total"} and listing["type"] == "client_list"
    assert sorted(names_of(listing)) == ["alice", "bob"] and listing["total"] == 2
    (me,) = [client for client in listing["clients"] if client["name"] == "alice"]
    assert me.keys() == {"name", "connected_since", "last_activity", "message_count"}
    assert me["message_count"] == 2, "the registration and this"
    assert began <= me["connected_since"] <= me["last_activity"] <= time.time()
    here = alice.ask("list_clients", scope="node")
    assert names_of(here) == ["alice"] and here["total"] == 1
    assert here["clients"][0]["message_count"] == 3


def test_a_pong_says_what_the_node_has_counted(hopline, tmp_path):
    with Mesh(hopline, tmp_path) as mesh, opened(mesh) as connect:
        alice = connect("east")
        first = alice.ask("ping")
        assert first["stats"] == {"received": 1, "sent": 0, "errors": 0}
        assert isinstance(first["timestamp"], float)
        assert alice.error("{") and alice.ask("nonsense")["type"] == "error"
        assert alice.ask("ping")["stats"] == {"received": 4, "sent": 3, "errors": 2}
        # Another node has counted nothing of it.
        bob = connect("west")
        assert bob.ask("ping")["stats"] == {"received": 1, "sent": 0, "errors": 0}


def test_what_is_wrong_is_told_and_harms_nobody(registered):
    alice = registered("east", "alice")
    assert alice.ask("dance")["message"] == "Unknown message type: dance"
    assert alice.error('{"no": "type"}') == "Unknown message type: None"
    assert alice.error('{"type": 7}') == "Unknown message type: 7"
    deep = '{"type":"ping","x":' + "[" * 100_000 + "]" * 100_000 + "}"
    for frame in [b"", b"\xff\xfe", "{", "[]", "5", "null", '{"type": NaN}', deep]:
        assert alice.error(frame).startswith("Message processing error: "), frame
    # A NaN as Python writes it, and half of a surrogate pair, never leave as what a reader would refuse.
    nan = json.dumps({"type": "direct_message", "target": "alice", "content": float("nan")})
    assert alice.error(nan).startswith("Message processing error: ")
    alice.send("direct_message", target="alice", content="\udce4")
    got = alice.recv()
    assert got["type"] == "direct_message"
    got["content"].encode("utf-8")
    assert alice.recv()["type"] == "delivery_confirmation"
    assert alice.ask("register", name="\ud800")["message"].encode("utf-8")


def test_frames_after_the_first_are_ignored(registered):
    alice = registered("east", "alice")
    alice.client.send('{"type": "ping"}', b"\x00", b"more")
    assert alice.recv()["type"] == "pong"


def test_replies_come_in_the_order_of_the_requests(registered):
    bob = registered("west", "bob")
    alice = registered("east", "alice")
    until_known(alice, "bob")
    expected = []
    for number in range(200):
        alice.send("direct_message", target="bob", content=number)
        alice.send("ping")
        alice.send("direct_message", target="nobody", content=number)
        expected += ["delivery_confirmation", "pong", "error"]
    assert [alice.recv()["type"] for _ in expected] == expected
    assert [bob.recv()["content"] for _ in range(200)] == list(range(200))


def test_ten_thousand_messages_are_sent_before_the_first_answer_is_read(registered):
    bob = registered("west", "bob")
    alice = registered("east", "alice")
    for number in range(10_000):
        alice.send("direct_message", target="bob", content=number)
    for number in range(10_000):
        assert bob.recv()["content"] == number
        confirmed = alice.recv()
        assert confirmed["type"] == "delivery_confirmation", (number, confirmed)


def test_who_has_gone_is_not_listed_not_reached_and_found_where_it_is_next(registered):
    alice = registered("east", "alice")
    bob = registered("west", "bob")
    until_known(alice, "bob")
    bob.client.close()
    wait_for(lambda: names_of(alice.ask("list_clients")) == ["alice"], lambda: "bob is still listed")
    error = alice.ask("direct_message", target="bob", content=1)
    assert error["message"] == "Target client 'bob' not found"
    assert alice.ask("broadcast", content=1)["recipients"] == 0
    moved = registered("top", "bob")
    until_known(alice, "bob")
    assert alice.ask("direct_message", target="bob", content=2)["status"] == "delivered"
    assert moved.recv()["content"] == 2


def test_who_registers_again_is_renamed(registered):
    alice = registered("east", "alice")
    bob = registered("east", "bob")
    bob.register("robert")
    assert sorted(names_of(alice.ask("list_clients"))) == ["alice", "robert"]
    assert alice.ask("direct_message", target="bob")["type"] == "error"
    assert alice.ask("direct_message", target="robert")["status"] == "delivered"
    assert bob.recv()["type"] == "direct_message"


def test_json_and_broker_are_spoken_on_one_connection(registered):
    alice = registered("east", "alice", identity=b"id-alice")
    bob = registered("east", "bob", identity=b"id-bob")
    alice.client.say("id-bob", type="note")
    got = bob.recv()
    assert (got["original_sender"], got["route_path"]) == ("id-alice", ["east"])
    assert alice.is_quiet()
    alice.client.say("nobody")
    assert alice.recv()["type"] == "routing_error"


FIVE = """\
[mesh]
name = "five"

[nodes.top]
bind = "auto"
""" + "".join(f'\n[nodes.{leaf}]\nbind = "auto"\nupstream = ["top"]\n' for leaf in "abcd")


def test_a_thousand_clients_at_five_nodes_are_one_brokers(hopline, tmp_path):
    with Mesh(hopline, tmp_path, FIVE) as mesh, opened(mesh, sockets=1_100) as connect:
        many = [connect(mesh.nodes[number % 5]) for number in range(1_000)]
        for number, one in enumerate(many):
            one.send("register", name=f"n{number}")
        for one in many:
            assert one.recv()["type"] == "registration_ack"
        everyone = sorted(f"n{number}" for number in range(1_000))
        wait_for(
            lambda: sorted(names_of(many[7].ask("list_clients"))) == everyone,
            lambda: "not all are listed",
        )
        assert many[500].ask("broadcast", content=1)["recipients"] == 999
        for number, one in enumerate(many):
            if number != 500:
                assert one.recv()["type"] == "broadcast"
        assert all(one.is_quiet() for one in many), "each was sent it once"
        # A node is killed: its clients leave the list, though they connect again to the one that takes its place.
        os.kill(mesh.status()[1]["c"]["pid"], signal.SIGKILL)
        killed = time.monotonic()
        while (listing := many[0].ask("list_clients"))["total"] != 800:
            assert time.monotonic() - killed < 20, listing["total"]
        assert time.monotonic() - killed < 3, "it is silent for a second at most"


def test_the_clients_of_a_node_that_stands_still_leave_the_list(hopline, tmp_path):
    with Mesh(hopline, tmp_path) as mesh, opened(mesh) as connect:
        alice = connect("east")
        alice.register("alice")
        connect("west").register("bob")
        until_known(alice, "bob")
        pid = mesh.status()[1]["west"]["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            stopped = time.monotonic()
            while "bob" in names_of(listing := alice.ask("list_clients")):
                assert time.monotonic() - stopped < 20
            assert listing["missing"] == ["west"], listing
            assert time.monotonic() - stopped < 3, "a second for its answer, or for its silence"
        finally:
            os.kill(pid, signal.SIGCONT)


def test_a_slow_reader_harms_nobody_else(registered):
    slow = registered("west", "slow")
    alice = registered("east", "alice")
    bob = registered("west", "bob")
    until_known(alice, "slow", "bob")
    content = "x" * 10_000
    done = threading.Event()

    def floods():
        for _ in range(2_000):
            alice.send("direct_message", target="slow", content=content)
        done.set()

    flood = threading.Thread(target=floods)
    flood.start()
    other = registered("east", "other")
    for number in range(50):
        assert other.ask("direct_message", target="bob", content=number)["status"] == "delivered"
        assert bob.recv()["content"] == number
    told = [alice.recv() for _ in range(2_000)]
    flood.join()
    assert done.is_set() and {one["type"] for one in told} <= {"delivery_confirmation", "error"}
    assert slow.client.socket.poll(0)
