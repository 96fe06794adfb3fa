"""Clients that take nothing, under a flood: the node's memory stays under its bound, and nobody else is
disturbed."""

import json
import threading
import time

import pytest
import zmq

import zmtp
from holder import Holder
from memory import Growth, sized
from mesh import PATIENCE, wait_for

# What may wait for one client (`queue_bytes`, 16 MiB), and for a neighbour as much; what the messages cost
# beside their payload; buffers. See docs/topology-files.md, "Limits".
BOUND_MIB = 96

SIZES = {"64 B": (64, 60_000), "1 KiB": (1024, 30_000), "1 MiB": (1 << 20, 120)}


class NotReading:
    """A raw connection that has shaken hands and reads no more."""

    def __init__(self, endpoint, name):
        self.stream = zmtp.dealer(endpoint, name.encode())

    def stop(self):
        """It does nothing as it is."""

    def close(self):
        self.stream.close()


class Flood(threading.Thread):
    """Sends to `sloth` as fast as it can, and reads what comes back."""

    def __init__(self, endpoint, size, count):
        super().__init__()
        self.endpoint, self.size, self.count = endpoint, size, count
        self.refused = 0
        self.reasons = set()
        self.over = threading.Event()

    def run(self):
        context = zmq.Context()
        socket = context.socket(zmq.DEALER)
        socket.linger = 0
        # The flooder's own queue is its own affair; the node is to be flooded.
        socket.setsockopt(zmq.SNDHWM, 200)
        socket.connect(self.endpoint)
        frame = json.dumps({"destination": "sloth", "content": "x" * self.size}).encode()
        sent = 0
        deadline = time.monotonic() + 60
        while sent < self.count and time.monotonic() < deadline:
            try:
                socket.send(frame, zmq.DONTWAIT)
                sent += 1
            except zmq.Again:
                socket.poll(10, zmq.POLLIN | zmq.POLLOUT)
            self.read(socket)
        quiet = time.monotonic() + 1
        while time.monotonic() < quiet:
            if socket.poll(50):
                self.read(socket)
                quiet = time.monotonic() + 1
        self.sent = sent
        socket.close()
        context.term()
        self.over.set()

    def read(self, socket):
        while socket.poll(0):
            error = socket.recv_multipart()[0]
            head = error[:200]
            self.refused += b"routing_error" in head
            self.reasons.add(json.loads(error)["message"])


@pytest.mark.parametrize("size, count", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("kind", [NotReading, Holder])
def test_a_stalled_client_costs_a_bounded_amount_and_disturbs_nobody(mesh, clients, kind, size, count):
    """Of each kind, and with messages of each size. The flood comes in at the client's own node; others talk
    over that node and two more meanwhile, each message within the time that any takes there."""
    sloth = kind(mesh.endpoints["west"], "sloth")
    try:
        clients.settle({"sloth": "west"})
        sloth.stop()
        alice, bob = clients.attach("east", "alice"), clients.attach("west", "bob")
        pids = {name: node["pid"] for name, node in mesh.status()[1].items()}
        growth = {name: Growth(pid) for name, pid in pids.items()}
        flood = Flood(mesh.endpoints["west"], size, sized(count * 4, count))
        flood.start()
        asked, worst = 0, 0.0
        while not flood.over.is_set():
            began = time.monotonic()
            alice.say("bob", number=asked)
            if not bob.socket.poll(PATIENCE * 1000):
                told = alice.recv() if alice.socket.poll(0) else "nothing"
                raise AssertionError(f"message {asked} did not arrive; its sender was told {told}")
            assert bob.recv()["number"] == asked
            worst = max(worst, time.monotonic() - began)
            asked += 1
            for one in growth.values():
                one.look()
        flood.join()
        for name, one in growth.items():
            assert one.most < BOUND_MIB << 20, f"{name}: {one.most / (1 << 20):.1f} MiB more"
        assert asked > 5 and worst < 5.0, (asked, worst)
        assert flood.refused > 0, "nothing was refused"
        assert flood.reasons <= {"receiver slow", "queue full", "receiver gone"}, flood.reasons
        print({name: round(one.most / (1 << 20), 1) for name, one in growth.items()}, asked, worst)
    finally:
        sloth.close()
    wait_for(
        lambda: not any("sloth" in str(node["clients"]) for node in mesh.status()[1].values()),
        lambda: "the stalled client is still there",
    )
