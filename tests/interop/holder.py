"""A process of its own that holds a name with a libzmq DEALER, and never reads."""

import os
import signal
import subprocess
import sys

PROGRAM = """
import sys, time, zmq
socket = zmq.Context().socket(zmq.DEALER)
socket.identity = sys.argv[2].encode()
socket.connect(sys.argv[1])
print("connected", flush=True)
time.sleep(600)
"""


class Holder:
    def __init__(self, endpoint, name):
        command = [sys.executable, "-c", PROGRAM, endpoint, name]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "connected\n"

    def stop(self):
        """Stops it in the midst of life, so that it does nothing at all."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def lives(self):
        return self.process.poll() is None

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
