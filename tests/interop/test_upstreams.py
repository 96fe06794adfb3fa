"""More than one way up: nothing goes round for ever, nothing is delivered twice."""

import pytest
import zmq

from clients import Clients
from mesh import Mesh

# a and b are each other's upstream; c has both; what is in the south goes up from everywhere.
TOPOLOGY = """\
[mesh]
name = "twins"

[nodes.a]
bind = "auto"
upstream = ["b"]

[nodes.b]
bind = "auto"
upstream = ["a"]

[nodes.c]
bind = "auto"
upstream = ["a", "b"]

[routes.a]
"south.*" = "upstream"

[routes.b]
"south.*" = "upstream"

[routes.c]
"south.*" = "upstream"
"""


@pytest.fixture(scope="module")
def twins(hopline, tmp_path_factory):
    with Mesh(hopline, tmp_path_factory.mktemp("twins"), TOPOLOGY) as mesh:
        yield mesh


@pytest.fixture
def clients(twins):
    twins.wait_until_settled({})
    context = zmq.Context()
    clients = Clients(context, twins)
    yield clients
    clients.close()
    context.term()


@pytest.mark.parametrize("node", ["a", "b", "c"])
def test_what_goes_up_from_everywhere_is_refused_in_the_end(clients, node):
    alice = clients.attach(node, "alice")
    sent = alice.say("south.1", content=1)
    error = alice.recv_error()
    assert error["message"] in ("loop", "next hop is source"), error
    assert error["original_message"] == sent


def test_two_upstreams_deliver_once(clients):
    alice = clients.attach("c", "alice")
    bob = clients.attach("b", "bob")
    for number in range(50):
        alice.say("bob", number=number)
    for number in range(50):
        got = bob.recv()
        assert (got["number"], got["route_path"]) == (number, ["c", "b"])
