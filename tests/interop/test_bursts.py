"""Many messages at once: each is delivered or comes back, none is lost sight of."""

import zmq

BURST = 8_000


def numbers_of(client, count):
    """The numbers in the next messages or errors of a client."""
    seen = []
    for _ in range(count):
        message = client.recv()
        seen.append(message.get("original_message", message)["number"])
    return seen


def test_every_error_of_a_burst_comes_back_to_a_client_that_reads(clients):
    alice = clients.connect("east", b"alice", options={zmq.RCVHWM: 0})
    for number in range(BURST):
        alice.say("nobody", number=number)
    assert numbers_of(alice, BURST) == list(range(BURST))


def test_every_message_of_a_burst_is_delivered_to_a_client_that_reads(clients):
    bob = clients.attach("west", "bob")
    alice = clients.attach("east", "alice")
    for number in range(BURST):
        alice.say("bob", number=number)
    assert numbers_of(bob, BURST) == list(range(BURST))


def test_ten_messages_of_1_mib_in_a_row_cross_three_nodes(clients):
    bob = clients.attach("west", "bob")
    alice = clients.attach("east", "alice")
    for number in range(10):
        alice.say("bob", number=number, text="x" * (1 << 20))
    assert numbers_of(bob, 10) == list(range(10))


def test_what_waited_for_a_client_that_went_away_comes_back(clients):
    reads_nothing = {zmq.RCVHWM: 1, zmq.RCVBUF: 4096}
    bob = clients.connect("west", b"bob", options=reads_nothing)
    clients.settle({"bob": "west"})
    alice = clients.attach("east", "alice")
    count = 4_000
    for number in range(count):
        alice.say("bob", number=number, text="x" * 3_000)
    alice.say("west")
    assert alice.recv()["type"] == "node_info", "west has handled all that was sent before"
    bob.close()
    back = []
    # What was written to bob's connection is not known of; the last messages were not.
    while count - 1 not in back:
        error = alice.recv_error()
        assert error["message"] == "receiver gone"
        back.append(error["original_message"]["number"])
    assert back == list(range(back[0], count)), "the first that waited, and all behind it"
    assert len(back) > count // 2
