"""What all cases share: one mesh of three nodes, and clients that are gone when a case ends."""

import os

import pytest
import zmq

from clients import Clients
from mesh import Mesh


@pytest.fixture(scope="session")
def hopline():
    path = os.environ.get("HOPLINE_BIN")
    assert path and os.access(path, os.X_OK), "HOPLINE_BIN names no program"
    return path


@pytest.fixture(scope="session")
def shared_mesh(hopline, tmp_path_factory):
    with Mesh(hopline, tmp_path_factory.mktemp("regions")) as mesh:
        yield mesh


@pytest.fixture
def mesh(shared_mesh):
    """The mesh east - top - west, settled and without clients."""
    shared_mesh.wait_until_settled(clients={})
    return shared_mesh


@pytest.fixture
def clients(mesh):
    context = zmq.Context()
    clients = Clients(context, mesh)
    yield clients
    clients.close()
    context.term()
