"""Clients of other libraries than pyzmq, each in a process of its own that is told what to send."""

import base64
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading

import pytest

from clients import Client, frame_of
from mesh import PATIENCE

FOREIGN = pathlib.Path(__file__).parent / "foreign"


def txzmq(endpoint, identity):
    return Foreign([sys.executable, FOREIGN / "txzmq_dealer.py", endpoint], identity)


def node(endpoint, identity):
    modules = os.environ.get("HOPLINE_NODE_MODULES")
    if not modules:
        missing = "Node's zeromq is not here, so this did NOT run: install node and npm"
        # Whoever asks for all checks is not told that all have passed.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    return Foreign(["node", FOREIGN / "node_dealer.mjs", modules, endpoint], identity)


class Foreign(Client):
    """A client in another process, used like one of this process."""

    def __init__(self, command, identity):
        command = [str(part) for part in command] + ([identity.decode()] if identity else [])
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.messages = queue.Queue()
        self.hearing = threading.Thread(target=self.hear, daemon=True)
        self.hearing.start()

    def hear(self):
        for line in self.process.stdout:
            self.messages.put([base64.b64decode(frame) for frame in json.loads(line)])

    def send(self, *frames):
        encoded = [base64.b64encode(frame_of(frame)).decode() for frame in frames]
        print(json.dumps(encoded), file=self.process.stdin, flush=True)

    def recv_raw(self):
        try:
            return self.messages.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"nothing came; the process: {self.process.poll()}") from None

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
        self.hearing.join(PATIENCE)
