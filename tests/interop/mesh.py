"""A mesh of real processes, as `hopline up` makes it. No fixed ports, no sleeps."""

import json
import os
import re
import subprocess
import tempfile
import time

REGIONS = """\
[mesh]
name = "interop"

[nodes.top]
bind = "auto"

[nodes.east]
bind = "auto"
upstream = ["top"]

[nodes.west]
bind = "auto"
upstream = ["top"]
"""

# How long a condition may take to come true. Only what fails waits so long.
PATIENCE = 20.0

# The command line's own clients, and anonymous ones: 16 bytes of their node's.
OTHERS = re.compile(r"hopline\.|hex:[0-9a-f]{32}@")


class Mesh:
    def __init__(self, hopline, folder, topology=REGIONS):
        self.hopline = hopline
        self.file = str(folder / "mesh.toml")
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(topology)
        state = folder / "state"
        state.mkdir()
        # Sockets want a short path, which a test's own folder may not be.
        self.runtime = tempfile.TemporaryDirectory(prefix="hl-", dir="/tmp")
        self.env = dict(os.environ, XDG_STATE_HOME=str(state), XDG_RUNTIME_DIR=self.runtime.name)
        self.nodes = sorted(re.findall(r"^\[nodes\.(.*)\]$", topology, re.MULTILINE))
        self.endpoints = {}

    def __enter__(self):
        self.run("up", self.file, "--detach")
        try:
            status = self.wait_until_settled(clients={})
            self.endpoints = {name: status[name]["endpoint"] for name in self.nodes}
        except BaseException:
            self.run("down", self.file)
            raise
        return self

    def __exit__(self, *_):
        self.run("down", self.file)
        self.runtime.cleanup()

    def run(self, *args):
        """Runs a sub-command; what it prints is in the error where it fails."""
        done = subprocess.run(
            [self.hopline, *args], env=self.env, capture_output=True, text=True, timeout=60
        )
        said = f"{' '.join(args)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, said
        return done.stdout

    def status(self):
        """`hopline status FILE --json`, and its nodes by name."""
        whole = json.loads(self.run("status", self.file, "--json"))
        return whole, {node["node"]: node for node in whole["nodes"]}

    def wait_until_settled(self, clients):
        """Waits until every node agrees on links and names, and these clients are attached.

        `clients` maps a name to the node where it should be; nobody else of a name may be there.
        """
        seen = None

        def settled():
            nonlocal seen
            whole, nodes = self.status()
            seen = whole
            if sorted(nodes) != self.nodes or not whole["converged"]:
                return None
            attached = {name: node for node in nodes for name in clients_of(nodes[node])}
            return nodes if attached == clients else None

        return wait_for(settled, lambda: f"not settled with {clients}: {seen}")

    def counters(self, node):
        return self.status()[1][node]["counters"]


def wait_for(condition, complaint):
    """Asks again and again until the condition gives something; never longer than PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
    raise AssertionError(complaint())


def clients_of(entry):
    """A node's clients, but for those of the command line, and those without a name."""
    names = [client["name"] for client in entry["clients"] if client["attached"]]
    return [name for name in names if not OTHERS.match(name)]
