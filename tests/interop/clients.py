"""Clients as anybody would write them with pyzmq: a DEALER (or a REQ), JSON in, JSON out."""

import json

import zmq

from mesh import PATIENCE, clients_of, wait_for


class Clients:
    """Opens clients and closes what a case leaves open."""

    def __init__(self, context, mesh):
        self.context = context
        self.mesh = mesh
        self.open = []

    def connect(self, node, identity=None, kind=zmq.DEALER, options=None):
        """A client at a node, with socket options of its own. It has said nothing."""
        client = Client(self.context.socket(kind), self.mesh.endpoints[node], identity, options)
        self.open.append(client)
        return client

    def of(self, library, node, identity=None):
        """A client of another library at a node: see `libraries`."""
        client = library(self.mesh.endpoints[node], identity)
        self.open.append(client)
        return client

    def attach(self, node, name, kind=zmq.DEALER):
        """A client whose name every node knows."""
        client = self.connect(node, name.encode(), kind)
        self.settle({name: node})
        return client

    def settle(self, names):
        """Waits until every node knows these names, whoever else is there."""
        seen = None

        def known():
            nonlocal seen
            whole, nodes = self.mesh.status()
            seen = whole
            at = {(name, node) for node in nodes for name in clients_of(nodes[node])}
            return whole["converged"] and at.issuperset(names.items())

        wait_for(known, lambda: f"{names} are not known: {seen}")

    def close(self):
        for client in self.open:
            client.close()
        self.open.clear()


class Client:
    def __init__(self, socket, endpoint, identity, options=None):
        self.socket = socket
        socket.linger = 0
        for option, value in (options or {}).items():
            socket.setsockopt(option, value)
        if identity is not None:
            socket.identity = identity
        socket.connect(endpoint)

    def send(self, *frames):
        """Sends frames as they are."""
        self.socket.send_multipart([frame_of(frame) for frame in frames])

    def say(self, destination, **fields):
        """Sends an object to a destination, and gives it back."""
        message = {"destination": destination, **fields}
        self.send(json.dumps(message, ensure_ascii=False))
        return message

    def recv_raw(self):
        """The frames of the next message."""
        assert self.socket.poll(PATIENCE * 1000), "nothing came"
        return self.socket.recv_multipart()

    def recv_bytes(self):
        frames = self.recv_raw()
        assert len(frames) == 1, f"one frame is expected: {frames}"
        return frames[0]

    def recv(self):
        """The next message, which has to be JSON in one frame."""
        return json.loads(self.recv_bytes().decode("utf-8"))

    def recv_error(self):
        error = self.recv()
        assert error["type"] == "routing_error", error
        return error

    def close(self):
        self.socket.close()


def frame_of(frame):
    return frame if isinstance(frame, bytes) else frame.encode("utf-8")
