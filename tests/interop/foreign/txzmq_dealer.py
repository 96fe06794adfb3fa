"""A DEALER of txzmq in a Twisted reactor, told what to send: txzmq_dealer.py ENDPOINT [IDENTITY]

Each line of standard input is a JSON list of frames in base64, and is sent; each message that comes is printed so. It
ends with its input.
"""

import base64
import json
import sys

import zmq
from twisted.internet import reactor, stdio
from twisted.protocols.basic import LineReceiver
from txzmq import ZmqConnection, ZmqEndpoint, ZmqEndpointType, ZmqFactory


class Dealer(ZmqConnection):
    """As the examples of txzmq make one: a connection of this socket type."""

    socketType = zmq.DEALER

    def messageReceived(self, message):
        print(json.dumps([base64.b64encode(frame).decode() for frame in message]), flush=True)


class Lines(LineReceiver):
    delimiter = b"\n"
    MAX_LENGTH = 64 << 20

    def lineReceived(self, line):
        dealer.send([base64.b64decode(frame) for frame in json.loads(line)])

    def connectionLost(self, reason):
        factory.shutdown()
        reactor.stop()


factory = ZmqFactory()
factory.lingerPeriod = 0
endpoint = ZmqEndpoint(ZmqEndpointType.connect, sys.argv[1])
identity = sys.argv[2].encode() if len(sys.argv) > 2 else None
dealer = Dealer(factory, endpoint, identity)
stdio.StandardIO(Lines())
reactor.run()
