"""The programs in examples/python, run as their README says."""

import json
import pathlib
import subprocess
import sys

import pytest

from mesh import PATIENCE
from test_core import servers  # noqa: F401 (a fixture)

FOLDER = pathlib.Path(__file__).parents[2] / "examples" / "python"


class Program:
    def __init__(self, name, *args):
        command = [sys.executable, str(FOLDER / name), *args]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def rest(self, code=0):
        """What it prints until it ends; of one that fails, what it says of that."""
        said, error = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == code, (self.process.returncode, said, error)
        return (said if code == 0 else error).splitlines()


@pytest.fixture
def run():
    programs = []

    def start(*args):
        programs.append(Program(*args))
        return programs[-1]

    yield start
    for program in programs:
        program.process.kill()
        program.process.communicate()


def test_json_clients_write_to_each_other(run, mesh, clients):
    bob = run("json_client.py", mesh.endpoints["west"], "bob")
    assert bob.line() == "bob is at west"
    clients.settle({"bob": "west"})
    alice = run("json_client.py", mesh.endpoints["east"], "alice", "bob", "good morning")
    assert alice.line() == "alice is at east"
    there = ["east", "top", "west"]
    (answer,) = alice.rest()
    assert json.loads(answer) == {
        "destination": "alice",
        "content": "thanks",
        "route_path": there[::-1],
        "original_sender": "bob",
    }
    (message,) = bob.rest()
    assert json.loads(message) == {
        "destination": "bob",
        "type": "note",
        "content": "good morning",
        "route_path": there,
        "original_sender": "alice",
    }


def test_a_json_client_tells_what_was_not_delivered(run, mesh):
    alice = run("json_client.py", mesh.endpoints["east"], "alice", "nobody", "x")
    (error,) = alice.rest(code=1)
    assert error.startswith("Unknown destination: nobody: {")


def test_a_session_from_hello_to_bye(run, mesh):
    long = "so on " * 1000
    ann = run("session_client.py", mesh.endpoints["top"], "ann", "good morning", long)
    said = ["session ann", "1 12 good morning", f"2 6000 {long[:100]}", "sessions 1", "goodbye"]
    assert ann.rest() == said


def clients_of_a_broker(run, here, there):
    bob = run("broker_client.py", there, "bob")
    assert bob.line() == "Registered as bob"
    ann = run("broker_client.py", here, "ann", "bob", "good morning")
    assert ann.rest() == ["Registered as ann", "here: ann bob", "delivered"]
    assert bob.rest() == ['direct_message from ann "good morning"']
    eve = run("broker_client.py", here, "eve", "nobody", "x")
    assert eve.rest(code=1) == ["RuntimeError: Target client 'nobody' not found"]


def test_clients_of_a_mesh_that_is_a_broker_write_to_each_other(run, mesh):
    clients_of_a_broker(run, mesh.endpoints["east"], mesh.endpoints["west"])


def test_clients_of_a_bare_broker_write_to_each_other(run, servers):  # noqa: F811
    endpoint = servers.serve("broker")
    clients_of_a_broker(run, endpoint, endpoint)
