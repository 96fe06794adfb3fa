"""The modes of a well-known set of probes against a running node, at size: it lives, its memory is flat, and
honest clients do not notice."""

import os
import socket
import struct
import time

import pytest
import zmq

import zmtp
from memory import Growth, descriptors, sized
from mesh import wait_for
from test_hostile import Target


@pytest.fixture
def node(mesh, clients):
    target = Target(mesh, clients, "east")
    target.pid = mesh.status()[1]["east"]["pid"]
    target.growth = Growth(target.pid)
    return target


def hello_in_time(node, limit=1.0):
    """An honest client is served within a second, from its dial to its answer."""
    began = time.monotonic()
    client = node.clients.connect(node.name)
    client.say("west", id="in time")
    assert client.recv()["node"] == "west"
    assert time.monotonic() - began < limit
    client.close()


@pytest.mark.parametrize("log2", [20, 27, 30, 34, 36, 40, 62])
def test_scenario_57_length_bombs_cost_nothing_before_and_after_the_handshake(node, log2):
    for _ in range(20):
        for stream in (zmtp.connect(node.endpoint), zmtp.dealer(node.endpoint)):
            bomb = zmtp.head(1 << log2, zmtp.COMMAND) + zmtp.head(1 << log2, zmtp.MORE)
            try:
                stream.sendall(zmtp.GREETING + bomb)
            except OSError:
                pass
            assert zmtp.is_closed(stream)
            stream.close()
    node.growth.is_under(20)
    node.counts("frame too large", "bad command")
    hello_in_time(node)


def test_scenario_57_frame_bombs_cost_nothing(node):
    piece = b"\x01\x00" * 50_000
    for _ in range(sized(40, 10)):
        stream = zmtp.dealer(node.endpoint)
        try:
            for _ in range(20):
                stream.sendall(piece)
        except OSError:
            pass
        assert zmtp.is_closed(stream)
        stream.close()
    node.growth.is_under(20)
    node.counts("too many frames")
    hello_in_time(node)


def test_scenario_57_many_unfinished_messages_cost_what_has_come_of_them(node):
    """Each stranger begins a message of 16 MiB, and goes no further than 64 KiB."""
    strangers = [zmtp.dealer(node.endpoint) for _ in range(50)]
    for stranger in strangers:
        stranger.sendall(zmtp.head(16 << 20) + bytes(64 * 1024))
    hello_in_time(node)
    node.growth.is_under(32)
    for stranger in strangers:
        stranger.close()
    node.counts("aborted")
    hello_in_time(node)


def test_scenario_50_churn_leaves_memory_and_descriptors_as_they_were(node):
    def churn(count, identity):
        for _ in range(count):
            zmtp.dealer(node.endpoint, identity()).close()

    churn(200, lambda: b"z" + os.urandom(254))
    node.growth = Growth(node.pid)
    open_before = descriptors(node.pid)
    count = sized(20_000, 3_000)
    churn(count, lambda: b"z" + os.urandom(254))
    churn(count // 4, lambda: b"")
    # Whoever says the same name as one that has just gone is another.
    churn(count // 4, lambda: b"same")
    node.growth.is_under(20)
    wait_for(
        lambda: descriptors(node.pid) < open_before + 200,
        lambda: f"{descriptors(node.pid)} descriptors are open, {open_before} were before",
    )
    hello_in_time(node)


def test_scenario_69_half_open_sockets_and_slow_talkers_are_shown_out_and_keep_nobody_waiting(node):
    count = sized(1_000, 300)
    began = time.monotonic()
    silent = [zmtp.connect(node.endpoint) for _ in range(count)]
    slow = [zmtp.connect(node.endpoint) for _ in range(20)]
    worst = 0.0
    said = 0
    # A byte now and then is no sign of life: the whole handshake has one deadline.
    while slow and time.monotonic() - began < 15:
        greeting = zmtp.GREETING[said % 64 : said % 64 + 1]
        said += 1
        for stream in list(slow):
            try:
                stream.sendall(greeting)
            except OSError:
                slow.remove(stream)
        dialled = time.monotonic()
        hello_in_time(node)
        worst = max(worst, time.monotonic() - dialled)
        if time.monotonic() - began > 6:
            slow = [stream for stream in slow if not has_ended(stream)]
    assert not slow, f"{len(slow)} slow talkers are still there"
    assert worst < 1.0
    for stream in silent:
        assert zmtp.is_closed(stream)
    node.counts("handshake timeout")
    node.growth.is_under(20)


def has_ended(stream):
    stream.setblocking(False)
    try:
        while stream.recv(4096):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


PEERS = {
    "zmtp 1.0": (b"\x01\x00", "bad greeting"),
    "zmtp 2.0": (b"\xff" + bytes(8) + b"\x7f\x01\x05\x00\x00", "bad version"),
    "curve": (zmtp.GREETING[:12] + b"CURVE".ljust(20, b"\0") + bytes(32), "bad mechanism"),
    "plain": (zmtp.GREETING[:12] + b"PLAIN".ljust(20, b"\0") + bytes(32), "bad mechanism"),
    "http": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "bad greeting"),
    "tls": (bytes.fromhex("1603010200010001fc0303"), "bad greeting"),
    "random": (b"\x80" + bytes(range(255)), "bad greeting"),
}


@pytest.mark.parametrize("said, reason", PEERS.values(), ids=PEERS)
def test_scenario_58_each_other_protocol_is_one_count_under_its_reason(node, said, reason):
    stream = zmtp.connect(node.endpoint)
    stream.sendall(said)
    assert zmtp.is_closed(stream)
    node.counts(reason)
    now = node.mesh.counters(node.name)
    assert now[reason] == node.before.get(reason, 0) + 1, now
    node.lives()


@pytest.mark.parametrize("kind", [zmq.SUB, zmq.PULL, zmq.REP, zmq.PAIR], ids=lambda kind: kind.name)
def test_scenario_58_a_socket_of_another_kind_is_shown_out(node, kind):
    options = {zmq.RECONNECT_IVL: -1}
    if kind == zmq.SUB:
        options[zmq.SUBSCRIBE] = b""
    node.clients.connect(node.name, kind=kind, options=options)
    node.counts("wrong socket type")
    node.lives()


def test_scenario_63_whoever_says_the_name_of_a_live_client_gets_nothing_of_its(node):
    thief = zmtp.connect(node.endpoint)
    thief.sendall(zmtp.GREETING)
    zmtp.exactly(thief, 64)
    body = b"\x05READY" + zmtp.metadata(b"Socket-Type", b"DEALER")
    thief.sendall(zmtp.frame(body + zmtp.metadata(b"Identity", b"witness"), zmtp.COMMAND))
    sender = node.clients.connect(node.name)
    for number in range(20):
        sender.say("witness", number=number)
        assert node.witness.recv()["number"] == number
    thief.settimeout(0.05)
    heard = b""
    try:
        while part := thief.recv(4096):
            heard += part
    except (socket.timeout, OSError):
        pass
    assert b"number" not in heard, heard


def test_a_client_with_heartbeats_stays_connected_while_it_is_idle(node):
    """pyzmq's own heartbeats, far faster than usual: each PING is answered, so that nothing is lost in
    `sized(60, 8)` seconds of idleness."""
    options = {zmq.HEARTBEAT_IVL: 200, zmq.HEARTBEAT_TIMEOUT: 1000, zmq.HEARTBEAT_TTL: 2000}
    idle = node.clients.connect(node.name, b"idle", options=options)
    monitor = idle.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED)
    node.clients.settle({"idle": node.name})
    assert not monitor.poll(sized(60, 8) * 1000), "it was disconnected"
    idle.socket.disable_monitor()
    node.witness.say("idle", after="idleness")
    assert idle.recv()["after"] == "idleness"


def test_scenario_8_the_time_to_live_of_a_peers_ping_is_honoured(node):
    """RFC 37: a peer that promised to be heard of within 0.3 s and is not is taken for dead."""
    stream = zmtp.dealer(node.endpoint, b"mortal")
    node.clients.settle({"mortal": node.name})
    stream.sendall(zmtp.frame(b"\x04PING" + struct.pack(">H", 3) + b"", zmtp.COMMAND))
    assert zmtp.read_frame(stream) == (zmtp.COMMAND, b"\x04PONG")
    began = time.monotonic()
    assert zmtp.is_closed(stream)
    assert time.monotonic() - began < 10
    node.lives()
