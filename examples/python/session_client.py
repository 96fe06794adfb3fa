"""A client in a session at a node, with txzmq in a Twisted reactor: session_client.py ENDPOINT NAME TEXT...

A message has two frames, a header and a payload. Each reply names its request, so several may be under way.
"""

import json
import sys
import time
import uuid
import zlib

import zmq
from twisted.internet import defer, task
from txzmq import ZmqConnection, ZmqEndpoint, ZmqEndpointType, ZmqFactory


class Session(ZmqConnection):
    socketType = zmq.DEALER

    def __init__(self, *args):
        self.waiting = {}
        super().__init__(*args)

    def ask(self, kind, payload=b""):
        """Sends a request; what it gives is called with the payload of the reply."""
        header = {"version": "1.0", "type": kind, "id": str(uuid.uuid4()), "timestamp": time.time()}
        if len(payload) > 1024:
            header["compressed"] = True
            payload = zlib.compress(payload)
        self.send([json.dumps(header).encode(), payload])
        reply = self.waiting[header["id"]] = defer.Deferred()
        return reply

    def messageReceived(self, message):
        header, payload = json.loads(message[0]), message[1]
        if header["compressed"]:
            payload = zlib.decompress(payload)
        reply = self.waiting.pop(header.get("reply_to"), None)
        if reply is None:
            return
        if header["type"] == "ERROR":
            reply.errback(RuntimeError(json.loads(payload)["error"]))
        else:
            reply.callback(json.loads(payload))


async def main(reactor, endpoint, name, *texts):
    factory = ZmqFactory()
    session = Session(factory, ZmqEndpoint(ZmqEndpointType.connect, endpoint), name.encode())
    talk = defer.ensureDeferred(talk_in(session, name, texts))
    try:
        await talk.addTimeout(30, reactor)
    except (RuntimeError, defer.TimeoutError) as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from None
    finally:
        factory.shutdown()


async def talk_in(session, name, texts):
    welcome = await session.ask("HELLO", json.dumps({"name": name}).encode())
    print("session", welcome["session_id"])
    acks = await defer.gatherResults([session.ask("DATA", text.encode()) for text in texts])
    for ack in acks:
        print(ack["message_number"], ack["original_size"], ack["echo"])
    pong = await session.ask("PING")
    print("sessions", pong["client_count"])
    print((await session.ask("BYE"))["status"])


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    task.react(lambda reactor, *args: defer.ensureDeferred(main(reactor, *args)), sys.argv[1:])
