"""Every failure comes back to its sender as a `routing_error` with the message as it was sent."""

import json

import pytest

LIMIT = 64 * 1024

# The frame, the beginning of the error's message, and its `original_message` (... where there is none).
MALFORMED = {
    "empty": (b"", "Malformed message: it is empty", ""),
    "not json": (b"hello", "Malformed message: ", "hello"),
    "cut off": (b'{"destination":"bob"', "Malformed message: ", '{"destination":"bob"'),
    "with something behind": (b'{"destination":"bob"} x', "Malformed", '{"destination":"bob"} x'),
    "with a number that is none": (b'{"destination":NaN}', "Malformed", '{"destination":NaN}'),
    "not utf-8": (b"\xff\xfe", "Malformed message: it is not UTF-8", ...),
    "utf-8 cut within a character": (b'{"destination":"\xc3', "Malformed message: it is not", ...),
    "an array": (b"[1,2]", "Malformed message: a JSON object is expected", "[1,2]"),
    "a string": (b'"bob"', "Malformed message: a JSON object is expected", '"bob"'),
    "a number": (b"17", "Malformed message: a JSON object is expected", "17"),
    "null": (b"null", "Malformed message: a JSON object is expected", "null"),
    "without destination": (b'{"content":1.0}', "Malformed message: `destination`", {"content": 1.0}),
    "destination a number": (b'{"destination":7}', "Malformed message: ", {"destination": 7}),
    "destination null": (b'{"destination":null}', "Malformed message: ", {"destination": None}),
    "destination a list": (b'{"destination":["b"]}', "Malformed message: ", {"destination": ["b"]}),
    "destination empty": (b'{"destination":""}', "Malformed message: `destination` is empty", {"destination": ""}),
    "destination without a name": (b'{"destination":"@west"}', "bad address", {"destination": "@west"}),
}

UNKNOWN = {
    "near": "nobody",
    "near, at the own node": "nobody@east",
    "near, at no node": "nobody@nowhere",
    "near, too long to be anybody's": "n" * 2000,
    "far": "nobody@west",
    "on the way": "nobody@top",
    "hexadecimal": "hex:ff00",
}


@pytest.mark.parametrize("frame, message, original", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_message_is_told_so(clients, frame, message, original):
    alice = clients.attach("east", "alice")
    # Settles the dialect: before it, an object with `type` alone would be the broker's.
    alice.say("alice")
    alice.recv()
    alice.send(frame)
    error = alice.recv_error()
    assert error["message"].startswith(message), error
    assert error.get("original_message", ...) == original
    alice.say("alice", content="still here")
    assert alice.recv()["content"] == "still here"


def test_the_first_word_may_be_wrong(clients):
    alice = clients.attach("east", "alice")
    alice.send("hello")
    assert alice.recv_error()["original_message"] == "hello"


def test_a_json_client_with_two_frames_is_told_so(clients):
    alice = clients.attach("east", "alice")
    alice.say("alice")
    alice.recv()
    alice.send('{"destination":"alice"}', "and more")
    assert alice.recv_error()["message"].startswith("Malformed message: one frame is expected")


@pytest.mark.parametrize("destination", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_destination_is_named(clients, destination):
    alice = clients.attach("east", "alice")
    sent = alice.say(destination, type="note", content={"any": [1, 2.5, None]})
    error = alice.recv_error()
    assert error["message"] == f"Unknown destination: {destination}"
    assert error["original_message"] == sent
    assert "truncated" not in error


def test_an_error_from_afar_says_by_which_way_it_came(clients):
    alice = clients.attach("east", "alice")
    alice.say("nobody@west")
    error = alice.recv_error()
    assert error["message"] == "Unknown destination: nobody@west"


@pytest.mark.parametrize("destination", ["bob", "bob@west"], ids=["near", "far"])
def test_a_client_that_has_gone_is_unknown(clients, destination):
    alice = clients.attach("east", "alice")
    bob = clients.attach("west", "bob")
    alice.say("bob", content="while it is there")
    assert bob.recv()["content"] == "while it is there"
    bob.close()
    clients.mesh.wait_until_settled({"alice": "east"})
    sent = alice.say(destination, content="too late")
    error = alice.recv_error()
    assert error["message"] == f"Unknown destination: {destination}"
    assert error["original_message"] == sent


@pytest.mark.parametrize("destination", ["nobody", "nobody@west"], ids=["near", "far"])
def test_the_original_comes_back_to_the_letter(clients, destination):
    alice = clients.attach("east", "alice")
    sent = f'{{"n":1.50,"big":1e400,"destination":"{destination}","s":"\\u00e9\u00e9"}}'
    alice.send(sent)
    assert f'"original_message":{sent}'.encode() in alice.recv_bytes()


@pytest.mark.parametrize("destination", ["nobody", "nobody@west"], ids=["near", "far"])
def test_a_big_original_is_cut_and_says_so(clients, destination):
    alice = clients.attach("east", "alice")
    sent = json.dumps({"destination": destination, "content": "x" * (2 * LIMIT)})
    alice.send(sent)
    error = alice.recv_error()
    assert error["truncated"] is True
    assert error["original_message"] == sent[:LIMIT]


@pytest.mark.parametrize("destination", ["nobody", "nobody@west"], ids=["near", "far"])
def test_a_big_original_is_not_cut_within_a_character(clients, destination):
    alice = clients.attach("east", "alice")
    for shift in range(3):
        sent = json.dumps(
            {"destination": destination, "content": "-" * shift + "\u20ac" * LIMIT},
            ensure_ascii=False,
        )
        alice.send(sent)
        error = alice.recv_error()
        original = error["original_message"]
        assert error["truncated"] is True
        assert sent.startswith(original)
        assert LIMIT - 3 < len(original.encode()) <= LIMIT


@pytest.mark.parametrize("destination", ["nobody", "nobody@west"], ids=["near", "far"])
def test_depth_is_the_clients_own_affair(clients, destination):
    alice = clients.attach("east", "alice")
    deep = "[" * 20_000 + "]" * 20_000
    sent = f'{{"destination":"{destination}","x":{deep}}}'
    alice.send(sent)
    assert f'"original_message":{sent}'.encode() in alice.recv_bytes()


def test_many_failures_are_each_told(clients):
    alice = clients.attach("east", "alice")
    for number in range(200):
        alice.say("nobody@west", number=number)
    told = [alice.recv_error()["original_message"]["number"] for _ in range(200)]
    assert told == list(range(200))
