"""Names: whatever identity a client has, it is reached and it reaches others; nobody loses one."""

import pytest

from mesh import wait_for

IDENTITIES = {
    "undeclared": (b"walk-in", "walk-in"),
    "utf-8": ("zo\u00eb".encode(), "zo\u00eb"),
    "not utf-8": (b"\xff\x00\xfe", "hex:ff00fe"),
    "with marks of addresses": (b"a@b", "hex:614062"),
    "with a control character": (b"a\nb", "hex:610a62"),
    "of 255 bytes": (b"n" * 255, "n" * 255),
    "of 255 bytes, not utf-8": (b"\xfe" * 255, "hex:" + "fe" * 255),
    "upstream": (b"upstream", "upstream"),
    "of one byte": (b"x", "x"),
}


@pytest.mark.parametrize("identity, name", IDENTITIES.values(), ids=IDENTITIES)
def test_an_identity_works_both_ways(clients, identity, name):
    alice = clients.attach("east", "alice")
    other = clients.connect("west", identity)
    clients.settle({name: "west"})
    sent = alice.say(name, content=1)
    got = other.recv()
    assert got == {**sent, "route_path": ["east", "top", "west"], "original_sender": "alice"}
    other.say("alice", content=2)
    assert alice.recv()["original_sender"] == name


def test_an_anonymous_client_works_both_ways(clients):
    bob = clients.attach("west", "bob")
    anonymous = clients.connect("east")
    anonymous.say("bob", content=1)
    sender = bob.recv()["original_sender"]
    assert sender.startswith("hex:") and sender.endswith("@east"), sender
    assert len(sender) == len("hex:@east") + 32, sender
    bob.say(sender, content=2)
    answer = anonymous.recv()
    assert answer["content"] == 2
    assert answer["route_path"] == ["west", "top", "east"]


def test_two_anonymous_clients_stay_two(clients):
    bob = clients.attach("west", "bob")
    one, two = clients.connect("east"), clients.connect("east")
    for client, content in [(one, "one"), (two, "two")]:
        client.say("bob", content=content)
        got = bob.recv()
        assert got["content"] == content
        bob.say(got["original_sender"], content=content)
        assert client.recv()["content"] == content


def test_a_client_named_upstream_takes_nothing_that_is_not_for_it(clients):
    alice = clients.attach("east", "alice")
    upstream = clients.attach("east", "upstream")
    alice.say("nobody")
    assert alice.recv_error()["message"] == "Unknown destination: nobody"
    alice.say("upstream", content="for it")
    assert upstream.recv()["content"] == "for it"


def test_a_client_named_like_a_node_takes_nothing_from_the_node(clients):
    alice = clients.attach("east", "alice")
    false_top = clients.connect("west", b"top")
    clients.settle({"top@west": "west"})
    alice.say("top", content="for the node")
    assert alice.recv()["node"] == "top"
    alice.say("top@west", content="for the client")
    assert false_top.recv()["content"] == "for the client"
    false_top.say("alice", content=1)
    sender = alice.recv()["original_sender"]
    assert sender == "top@west", "its bare name would lead to the node"
    alice.say(sender, content="back")
    assert false_top.recv()["content"] == "back"


@pytest.mark.parametrize("node", ["west", "east"], ids=["at the same node", "at another node"])
def test_a_second_live_claim_is_refused_and_the_first_is_undisturbed(clients, node):
    alice = clients.attach("east", "alice")
    first = clients.attach("west", "bob")
    second = clients.connect(node, b"bob")
    for _ in range(2):
        sent = second.say("alice", content="from the second")
        error = second.recv_error()
        assert error["message"] == "name in use"
        assert error["original_message"] == sent
    first.say("alice", content="from the first")
    got = alice.recv()
    assert (got["content"], got["route_path"]) == ("from the first", ["west", "top", "east"])
    alice.say("bob", content="for the first")
    assert first.recv()["content"] == "for the first"


def test_whoever_waits_for_a_name_gets_it_when_its_holder_goes(clients):
    alice = clients.attach("east", "alice")
    first = clients.attach("west", "bob")
    second = clients.connect("west", b"bob")
    second.say("alice", content="too early")
    assert second.recv_error()["message"] == "name in use"
    first.close()

    def heard():
        second.say("alice", content="now")
        got = alice.socket.poll(250) and alice.recv()
        return got and got["content"] == "now"

    wait_for(heard, lambda: "the name was never given on")


def test_a_name_is_free_as_soon_as_its_holder_is_gone(clients):
    alice = clients.attach("east", "alice")
    for round in range(5):
        bob = clients.connect("west", b"bob")
        bob.say("alice", round=round)
        got = alice.recv()
        assert (got["round"], got["original_sender"]) == (round, "bob")
        bob.close()
