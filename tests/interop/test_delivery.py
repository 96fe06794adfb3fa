"""The json dialect between clients on different nodes: what arrives, and how it says it came."""

import json

import zmq

WAY = ["east", "top", "west"]


def test_a_client_that_has_said_nothing_receives_once_with_the_path_and_the_sender(clients):
    bob = clients.attach("west", "bob")
    alice = clients.attach("east", "alice")
    sent = alice.say("bob", type="note", content=1)
    assert bob.recv() == {**sent, "route_path": WAY, "original_sender": "alice"}
    alice.say("bob", content="the next")
    assert bob.recv()["content"] == "the next", "the first came twice"


def test_a_reply_to_the_original_sender_comes_by_the_path_reversed(clients):
    bob = clients.attach("west", "bob")
    alice = clients.attach("east", "alice")
    alice.say("bob", content="a question")
    question = bob.recv()
    bob.say(question["original_sender"], content="an answer")
    answer = alice.recv()
    assert answer["content"] == "an answer"
    assert answer["route_path"] == question["route_path"][::-1] == WAY[::-1]
    assert answer["original_sender"] == "bob"


def test_messages_of_one_sender_keep_their_order(clients):
    bob = clients.attach("west", "bob")
    alice = clients.attach("east", "alice")
    for number in range(300):
        alice.say("bob", number=number)
    assert [bob.recv()["number"] for _ in range(300)] == list(range(300))


def test_two_clients_of_one_node_meet_there(clients):
    bob = clients.attach("east", "bob")
    alice = clients.attach("east", "alice")
    alice.say("bob", content=1)
    assert bob.recv()["route_path"] == ["east"]


def test_a_message_to_oneself_arrives(clients):
    alice = clients.attach("east", "alice")
    alice.say("alice", content=1)
    assert alice.recv()["original_sender"] == "alice"


def test_a_name_at_a_node_needs_no_directory(clients):
    bob = clients.attach("west", "bob")
    alice = clients.attach("east", "alice")
    alice.say("bob@west", content=1)
    assert bob.recv()["route_path"] == WAY


def test_a_forged_path_or_sender_is_replaced(clients):
    bob = clients.attach("west", "bob")
    alice = clients.attach("east", "alice")
    alice.send('{"original_sender":"eve","destination":"bob","route_path":["here"],"content":1}')
    assert bob.recv() == {
        "destination": "bob",
        "content": 1,
        "route_path": WAY,
        "original_sender": "alice",
    }


def test_own_fields_keep_their_order_and_their_numbers_to_the_letter(clients):
    bob = clients.attach("west", "bob")
    alice = clients.attach("east", "alice")
    sent = (
        '{"z":1.50,"destination":"bob","a":1e400,"big":123456789012345678901234567890,'
        '"minus":-0.0,"text":"\\u00e9 \u00e9 \\/","m":{"y":1,"b":[2.0,{}]}}'
    )
    alice.send(sent)
    added = ',"route_path":["east","top","west"],"original_sender":"alice"}'
    assert bob.recv_bytes().decode() == sent[:-1] + added


def test_a_message_of_one_mebibyte_crosses_three_nodes(clients):
    bob = clients.attach("west", "bob")
    alice = clients.attach("east", "alice")
    content = "0123456789abcdef" * (1 << 16)
    alice.say("bob", content=content)
    got = bob.recv()
    assert got["content"] == content
    assert got["route_path"] == WAY


def test_a_client_that_moves_is_reached_where_it_is(clients):
    alice = clients.attach("east", "alice")
    bob = clients.attach("west", "bob")
    alice.say("bob", content="at west")
    assert bob.recv()["route_path"] == WAY
    bob.close()
    bob = clients.attach("top", "bob")
    clients.mesh.wait_until_settled({"alice": "east", "bob": "top"})
    alice.say("bob", content="at top")
    got = bob.recv()
    assert got["content"] == "at top"
    assert got["route_path"] == ["east", "top"]


def test_a_node_answers_its_own_clients_and_those_of_others(clients):
    alice = clients.attach("east", "alice")
    for node, path in [("east", ["east"]), ("top", ["top", "east"]), ("west", WAY[::-1])]:
        alice.say(node, type="status", id=["any", 7])
        answer = alice.recv()
        assert "error" not in answer["type"], answer
        assert answer["node"] == node
        assert answer["id"] == ["any", 7], "by its own fields a client knows its answer"
        assert answer["uptime"] >= 0
        assert answer["revision"]
        assert answer["original_sender"] == node
        assert answer["route_path"] == path


def test_a_req_socket_asks_and_is_answered(clients):
    bob = clients.attach("west", "bob")
    alice = clients.attach("east", "alice", zmq.REQ)
    for number in range(3):
        alice.say("bob", number=number)
        question = bob.recv()
        assert question["original_sender"] == "alice"
        bob.say("alice", answer=number)
        assert alice.recv()["answer"] == number


def test_a_req_socket_is_told_its_errors(clients):
    alice = clients.attach("east", "alice", zmq.REQ)
    sent = alice.say("nobody")
    assert alice.recv_error()["original_message"] == sent
    alice.send("no json")
    assert alice.recv_error()["original_message"] == "no json"


def test_what_is_delivered_is_utf8_json_in_one_frame(clients):
    bob = clients.attach("west", "bob")
    alice = clients.attach("east", "alice")
    alice.say("bob", content="z\u00fcrich \u6771\u4eac \U0001f6a2")
    frames = bob.recv_raw()
    assert len(frames) == 1
    assert json.loads(frames[0].decode("utf-8"))["content"] == "z\u00fcrich \u6771\u4eac \U0001f6a2"
