"""A client of a broker, with txzmq in a Twisted reactor: broker_client.py ENDPOINT NAME [TO TEXT]

With TO it lists who is there and writes to that client; without, it waits for one message. Replies name no request:
they come in the order of the requests, and what others write comes between.
"""

import json
import sys
from collections import deque

import zmq
from twisted.internet import defer, task
from txzmq import ZmqConnection, ZmqEndpoint, ZmqEndpointType, ZmqFactory


class Broker(ZmqConnection):
    socketType = zmq.DEALER

    def __init__(self, *args):
        self.waiting = deque()
        self.notes = defer.DeferredQueue()
        super().__init__(*args)

    def ask(self, kind, **fields):
        """Sends a request; what it gives is called with the reply."""
        self.send(json.dumps({"type": kind, **fields}).encode())
        reply = defer.Deferred()
        self.waiting.append(reply)
        return reply

    def messageReceived(self, message):
        said = json.loads(message[0])
        if said["type"] in ("direct_message", "broadcast"):
            self.notes.put(said)
        elif said["type"] == "error":
            self.waiting.popleft().errback(RuntimeError(said["message"]))
        else:
            self.waiting.popleft().callback(said)


async def main(reactor, endpoint, name, to=None, text=""):
    factory = ZmqFactory()
    broker = Broker(factory, ZmqEndpoint(ZmqEndpointType.connect, endpoint), name.encode())
    talk = defer.ensureDeferred(talk_to(broker, name, to, text))
    try:
        await talk.addTimeout(30, reactor)
    except (RuntimeError, defer.TimeoutError) as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from None
    finally:
        factory.shutdown()


async def talk_to(broker, name, to, text):
    print((await broker.ask("register", name=name))["message"], flush=True)
    if to is None:
        note = await broker.notes.get()
        print(note["type"], "from", note["from"], json.dumps(note["content"]))
        return
    clients = (await broker.ask("list_clients"))["clients"]
    print("here:", *sorted(client["name"] for client in clients))
    print((await broker.ask("direct_message", target=to, content=text))["status"])


if __name__ == "__main__":
    if len(sys.argv) not in (3, 5):
        sys.exit(__doc__)
    task.react(lambda reactor, *args: defer.ensureDeferred(main(reactor, *args)), sys.argv[1:])
