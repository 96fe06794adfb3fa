"""Names whose holders do not answer, and names that are taken over, with libzmq's clients."""

import time

import pytest
import zmq

import zmtp
from clients import Clients
from holder import Holder
from mesh import REGIONS, Mesh


@pytest.fixture
def holder(mesh, clients):
    """A process that holds the name `bob` at west."""
    holder = Holder(mesh.endpoints["west"], "bob")
    clients.settle({"bob": "west"})
    yield holder
    holder.close()


@pytest.mark.parametrize("node", ["west", "top", "east"])
def test_scenario_46_a_process_that_is_stopped_loses_its_name(mesh, clients, holder, node):
    before = mesh.counters("west").get("peer silent", 0)
    holder.stop()
    bob = clients.connect(node, b"bob")
    bob.say("east", id="under its name")
    assert bob.recv()["node"] == "east"
    alice = clients.attach("east", "alice")
    clients.settle({"bob": node})
    alice.say("bob", id=1)
    assert bob.recv()["id"] == 1
    assert mesh.counters("west").get("peer silent", 0) == before + 1
    # Its end, whenever that is heard of, takes nothing along (scenario 41).
    holder.close()
    for number in range(10):
        alice.say("bob", number=number)
        assert bob.recv()["number"] == number


@pytest.mark.parametrize("node", ["west", "east"])
def test_scenario_46_a_process_that_answers_keeps_its_name(mesh, clients, holder, node):
    thief = clients.connect(node, b"bob")
    began = time.monotonic()
    thief.say("east", id=1)
    assert thief.recv_error()["message"] == "name in use"
    assert time.monotonic() - began < 5
    assert holder.lives()
    whole, nodes = mesh.status()
    attached = [c for c in nodes["west"]["clients"] if c["name"] == "bob" and c["attached"]]
    assert len(attached) == 1, nodes


def test_scenario_46_with_takeover_the_newcomer_has_the_name(hopline, tmp_path):
    topology = REGIONS.replace('name = "interop"', 'name = "takeover"\nduplicate = "takeover"')
    context = zmq.Context()
    with Mesh(hopline, tmp_path, topology) as mesh:
        clients = Clients(context, mesh)
        alice = clients.attach("east", "alice")
        first = clients.attach("west", "bob")
        for node in ["west", "east", "top"]:
            second = clients.connect(node, b"bob")
            clients.settle({"bob": node})
            alice.say("bob", at=node)
            assert second.recv()["at"] == node
            first.say("alice", id=1)
            assert first.recv_error()["message"] == "name in use"
            first = second
        clients.close()
    context.term()


def test_scenario_47_a_hundred_restarts_under_one_name_in_a_row(mesh, clients):
    """Each by RST, at once followed by the next."""
    alice = clients.attach("east", "alice")
    for number in range(100):
        phoenix = zmtp.dealer(mesh.endpoints["west"], b"phoenix")
        phoenix.sendall(zmtp.message(b'{"destination":"alice","number":%d}' % number))
        got = alice.recv()
        assert (got["number"], got["original_sender"]) == (number, "phoenix"), got
        zmtp.reset(phoenix)
