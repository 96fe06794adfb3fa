"""The json and broker dialects, row by row, with clients of other libraries: txzmq in a Twisted reactor, Node's zeromq."""

import json

import pytest

import libraries
from test_broker import BrokerClient, names_of, until_known
from test_errors import MALFORMED


@pytest.fixture(params=[libraries.txzmq, libraries.node], ids=["txzmq", "node"])
def pair(clients, request):
    """alice at east and bob at west, both of one library, and known to every node."""
    alice = clients.of(request.param, "east", b"alice")
    bob = clients.of(request.param, "west", b"bob")
    clients.settle({"alice": "east", "bob": "west"})
    return alice, bob


def test_a_message_shows_its_way_and_its_sender_and_the_answer_takes_the_way_back(pair):
    alice, bob = pair
    sent = alice.say("bob", type="note", content={"h\u00e9": [1, None]}, id=7)
    there = ["east", "top", "west"]
    got = bob.recv()
    assert got == {**sent, "route_path": there, "original_sender": "alice"}
    sent = bob.say(got["original_sender"], content="thanks")
    assert alice.recv() == {**sent, "route_path": there[::-1], "original_sender": "bob"}


def test_a_path_or_sender_that_a_client_makes_up_is_replaced(pair):
    alice, bob = pair
    alice.say("bob", route_path=["nowhere"], original_sender="eve")
    got = bob.recv()
    assert (got["route_path"], got["original_sender"]) == (["east", "top", "west"], "alice")


def test_nodes_answer_near_and_far(pair):
    alice, _ = pair
    for node in ("east", "west"):
        alice.say(node, type="status", id=node)
        got = alice.recv()
        assert (got["type"], got["node"], got["id"]) == ("node_info", node, node)
        assert isinstance(got["uptime"], (int, float)) and got["revision"]


def test_what_goes_nowhere_comes_back_as_it_was_sent(pair):
    alice, _ = pair
    for sent, why in [
        ({"destination": "nobody", "content": [1.50]}, "Unknown destination: nobody"),
        ({"destination": "bob@top"}, "Unknown destination: bob@top"),
    ]:
        alice.send(json.dumps(sent))
        error = alice.recv_error()
        assert (error["message"], error["original_message"]) == (why, sent)


def test_what_is_no_message_is_told_with_its_text(pair):
    alice, _ = pair
    # Settles the dialect: before it, an object with `type` alone would be the broker's.
    alice.say("alice")
    alice.recv()
    for name, (frame, message, original) in MALFORMED.items():
        alice.send(frame)
        error = alice.recv_error()
        assert error["message"].startswith(message), (name, error)
        assert error.get("original_message", ...) == original, name


def test_a_burst_arrives_whole_and_in_order(pair):
    alice, bob = pair
    for number in range(500):
        alice.say("bob", number=number)
    assert [bob.recv()["number"] for _ in range(500)] == list(range(500))


def test_who_leaves_is_unknown_and_found_again_where_it_comes_back(pair, clients, mesh):
    alice, bob = pair
    clients.open.remove(bob)
    bob.close()
    mesh.wait_until_settled(clients={"alice": "east"})
    sent = alice.say("bob", content=1)
    assert alice.recv_error()["original_message"] == sent
    again = clients.of(libraries.txzmq, "top", b"bob")
    clients.settle({"bob": "top"})
    alice.say("bob", content=2)
    assert again.recv()["route_path"] == ["east", "top"]


@pytest.fixture(params=[libraries.txzmq, libraries.node], ids=["txzmq", "node"])
def brokers(clients, request):
    """Two clients of a broker at east, and one at west, all of one library; the first two have a name."""
    opened = [
        BrokerClient(clients.of(request.param, node, identity))
        for node, identity in (("east", b"c-1"), ("west", b"c-2"), ("east", None))
    ]
    for client, name in zip(opened, ("ann", "bob")):
        client.register(name)
    until_known(opened[0], "ann", "bob")
    until_known(opened[1], "ann", "bob")
    return opened


def test_a_broker_of_several_nodes_acknowledges_and_delivers(brokers):
    ann, bob, _ = brokers
    assert ann.register("ann") == {
        "type": "registration_ack",
        "status": "success",
        "client_id": "c-1",
        "message": "Registered as ann",
    }
    content = {"h\u00e9": [1, 2.5, None]}
    confirmed = ann.ask("direct_message", target="bob", content=content, **{"from": "eve"})
    assert confirmed == {"type": "delivery_confirmation", "target": "bob", "status": "delivered"}
    note = bob.recv()
    assert isinstance(note.pop("timestamp"), float)
    assert note == {"type": "direct_message", "from": "ann", "content": content}
    # To oneself both come.
    ann.send("direct_message", target="ann")
    assert {ann.recv()["type"], ann.recv()["type"]} == {"direct_message", "delivery_confirmation"}


def test_a_broadcast_reaches_all_who_have_spoken_and_not_its_sender(brokers):
    ann, bob, nobody = brokers
    assert nobody.ask("ping")["type"] == "pong"
    assert bob.ask("broadcast", content=[7]) == {"type": "broadcast_confirmation", "recipients": 2}
    for client in (ann, nobody):
        note = client.recv()
        assert isinstance(note.pop("timestamp"), float)
        assert note == {"type": "broadcast", "from": "bob", "content": [7]}
    assert bob.is_quiet()


def test_clients_are_listed_mesh_wide_and_counted_at_their_node(brokers):
    ann, bob, nobody = brokers
    listing = nobody.ask("list_clients")
    assert sorted(names_of(listing)) == ["ann", "bob", "unnamed"] and listing["total"] == 3
    fields = {"name", "connected_since", "last_activity", "message_count"}
    for client in listing["clients"]:
        assert client.keys() >= fields and client["connected_since"] <= client["last_activity"]
    assert names_of(bob.ask("list_clients", scope="node")) == ["bob"]
    before = ann.ask("ping")["stats"]
    after = ann.ask("ping")["stats"]
    assert (after["received"], after["sent"]) == (before["received"] + 1, before["sent"] + 1)


def test_what_a_broker_refuses_is_told_in_its_words(brokers):
    ann, bob, _ = brokers
    before = ann.ask("ping")["stats"]["errors"]
    for text, why in [
        ('{"type":"direct_message","target":"nobody"}', "Target client 'nobody' not found"),
        ('{"type":"direct_message"}', "Target client 'None' not found"),
        ('{"type":"dance"}', "Unknown message type: dance"),
        ("{}", "Unknown message type: None"),
    ]:
        assert ann.error(text) == why
    for text in (b"", b"\xff", b"nonsense", b"[]", b'{"type":"ping","x":NaN}', b"[" * 100_000):
        assert ann.error(text).startswith("Message processing error: "), text
    assert ann.ask("ping")["stats"]["errors"] == before + 10
