"""Access rules: who may attach, who may send to whom, and what libzmq's clients are told."""

import json

import pytest
import zmq

from clients import Clients
from mesh import Mesh, wait_for

TOPOLOGY = """\
[mesh]
name = "access"

[nodes.top]
bind = "auto"

[nodes.east]
bind = "auto"
upstream = ["top"]

[nodes.west]
bind = "auto"
upstream = ["top"]

[[access.attach]]
deny = ["mallory", "hex:*"]
at = "east"

[[access.send]]
allow = "alice"
to = ["bob", "west"]

[[access.send]]
deny = ["alice", "req"]
"""


@pytest.fixture(scope="module")
def guarded(hopline, tmp_path_factory):
    with Mesh(hopline, tmp_path_factory.mktemp("access"), TOPOLOGY) as mesh:
        yield mesh


@pytest.fixture
def clients(guarded):
    guarded.wait_until_settled({})
    context = zmq.Context()
    clients = Clients(context, guarded)
    yield clients
    clients.close()
    context.term()


def denied(mesh, node="east"):
    return mesh.counters(node).get("access denied", 0)


def test_what_may_be_sent_arrives_and_the_rest_comes_back(clients, guarded):
    bob = clients.attach("west", "bob")
    carol = clients.attach("west", "carol")
    alice = clients.attach("east", "alice")
    before = denied(guarded)
    alice.say("bob", content=1)
    assert bob.recv()["content"] == 1
    for destination in ["carol", "carol@west", "east", "nobody", "alice"]:
        sent = alice.say(destination, content=2)
        assert alice.recv() == {
            "type": "routing_error",
            "message": "access denied",
            "original_message": sent,
        }
    assert denied(guarded) == before + 5
    alice.say("west", type="status")
    assert alice.recv()["type"] == "node_info"
    # Carol was sent nothing: what she gets first is her own.
    carol.say("carol", content=3)
    assert carol.recv()["content"] == 3


def test_who_may_not_attach_is_told_and_not_reached(clients, guarded):
    bob = clients.attach("west", "bob")
    before = denied(guarded)
    mallory, anonymous = clients.connect("east", b"mallory"), clients.connect("east")
    for client in [mallory, anonymous]:
        sent = client.say("bob", content=1)
        error = client.recv_error()
        assert (error["message"], error["original_message"]) == ("access denied", sent)
        client.send("no json")
        assert client.recv_error()["message"] == "access denied"
    assert denied(guarded) == before + 4
    for name in ["mallory", "mallory@east"]:
        bob.say(name, content=2)
        assert bob.recv_error()["message"] == f"Unknown destination: {name}"
    # The rule is about east: elsewhere the name is as good as any.
    clients.attach("west", "mallory").say("bob", content=3)
    assert bob.recv()["original_sender"] == "mallory"


def test_a_req_socket_gets_its_denial_as_the_answer(clients, guarded):
    req = clients.connect("east", b"req", zmq.REQ)
    sent = req.say("west", content=1)
    error = req.recv_error()
    assert (error["message"], error["original_message"]) == ("access denied", sent)
    mallory = clients.connect("east", b"mallory", zmq.REQ)
    mallory.say("west", content=1)
    assert mallory.recv_error()["message"] == "access denied"


def test_the_command_line_says_who_is_denied(clients, guarded):
    mallory = clients.connect("east", b"mallory")
    mallory.say("bob")
    mallory.recv_error()
    status = wait_for(lambda: guarded.run("status", guarded.file), lambda: "no status")
    assert "mallory@east (access denied)" in status, status
    routes = json.loads(guarded.run("routes", guarded.file, "east", "--json"))
    assert "mallory" not in json.dumps(routes)
