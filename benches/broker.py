"""How many direct messages a second two pyzmq clients of the broker dialect exchange over a mesh of real processes.

    HOPLINE_BIN=target/release/hopline target/interop-venv/bin/python benches/broker.py [RATE] [SECONDS]

`alice` at east sends to `bob` at west, over top: RATE a second (by default 5,000) for SECONDS (10), and then as fast as she
can. What is counted: confirmed, received, how long a confirmation took, and the processor time of everybody.
"""

import json
import multiprocessing
import os
import pathlib
import statistics
import sys
import tempfile
import time

import zmq

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests" / "interop"))

from mesh import Mesh  # noqa: E402

# How many may be on their way when she sends as fast as she can.
AHEAD = 500


def dealer(endpoint, name):
    socket = zmq.Context().socket(zmq.DEALER)
    socket.linger = 0
    socket.set_hwm(0)
    socket.connect(endpoint)
    socket.send_json({"type": "register", "name": name})
    assert socket.recv_json()["type"] == "registration_ack"
    return socket


def receive(endpoint, ready, count, done):
    """Receives until told how many there are, and says how many different ones came and how often one came twice."""
    socket = dealer(endpoint, "bob")
    ready.set()
    seen, twice = set(), 0
    while True:
        if not socket.poll(200):
            if count.value and len(seen) >= count.value:
                break
            if count.value and not socket.poll(5_000):
                break
            continue
        number = json.loads(socket.recv())["content"]["n"]
        twice += number in seen
        seen.add(number)
    done.put((len(seen), twice, time.process_time()))


def send(socket, rate, seconds):
    """Sends and reads, and gives back how many were sent, confirmed, and how long each confirmation took."""
    began = time.monotonic()
    sent, confirmed, sent_at, took = 0, 0, [], []

    def read():
        nonlocal confirmed
        while socket.poll(0):
            reply = json.loads(socket.recv())
            assert reply["type"] == "delivery_confirmation", reply
            took.append(time.monotonic() - sent_at[confirmed])
            confirmed += 1

    while (now := time.monotonic() - began) < seconds:
        due = int(now * rate) + 1 if rate else confirmed + AHEAD
        while sent < due:
            sent_at.append(time.monotonic())
            socket.send_json({"type": "direct_message", "target": "bob", "content": {"n": sent, "pad": "x" * 64}})
            sent += 1
        read()
        socket.poll(1)
    spent = time.monotonic() - began
    while confirmed < sent and socket.poll(6_000):
        read()
    return sent, confirmed, spent, took


def cpu_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(mesh, rate, seconds):
    pids = {name: node["pid"] for name, node in mesh.status()[1].items()}
    ready, count, done = multiprocessing.Event(), multiprocessing.Value("q", 0), multiprocessing.Queue()
    arguments = (mesh.endpoints["west"], ready, count, done)
    # Before this process has a context of its own, which no child of it may use.
    receiver = multiprocessing.Process(target=receive, args=arguments)
    receiver.start()
    ready.wait(20)
    socket = dealer(mesh.endpoints["east"], "alice")
    while True:
        socket.send_json({"type": "direct_message", "target": "bob", "content": {"n": -1}})
        if socket.recv_json()["type"] == "delivery_confirmation":
            break
    before = {name: cpu_of(pid) for name, pid in pids.items()}
    own = time.process_time()
    sent, confirmed, spent, took = send(socket, rate, seconds)
    own = time.process_time() - own
    nodes = {name: cpu_of(pid) - before[name] for name, pid in pids.items()}
    count.value = sent + 1
    received, twice, his = done.get(timeout=30)
    receiver.join()
    socket.close()
    took.sort()
    print(
        f"{'as fast as she can' if not rate else f'{rate} a second'}: sent {sent} in {spent:.1f} s = {sent / spent:.0f} a second; "
        f"confirmed {confirmed}, received {received - 1}, twice {twice}; "
        f"confirmed after {statistics.median(took) * 1e3:.1f} ms (median), {took[int(len(took) * 0.99)] * 1e3:.1f} ms (99 %)"
    )
    shares = {"alice": own, "bob": his, **nodes}
    print("  processor time, of one core: " + ", ".join(f"{name} {used / spent:.0%}" for name, used in shares.items()))


def main():
    rate = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    hopline = os.path.abspath(os.environ.get("HOPLINE_BIN", "target/release/hopline"))
    with tempfile.TemporaryDirectory() as folder, Mesh(hopline, pathlib.Path(folder)) as mesh:
        measure(mesh, rate, seconds)
        measure(mesh, None, seconds)


if __name__ == "__main__":
    main()
