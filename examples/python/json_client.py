"""A client of a mesh, with pyzmq: json_client.py ENDPOINT NAME [TO TEXT]

With TO it writes to that client and prints the answer; without, it waits for one message, prints it and answers.
"""

import json
import sys

import zmq


def main(endpoint, name, to=None, text=""):
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.identity = name.encode()
    # What was sent is out before the program ends, or a second has passed.
    socket.linger = 1000
    socket.connect(endpoint)

    # A message to oneself comes back with its way: here, the one node that this client is attached to.
    socket.send_json({"destination": name})
    said = hear(socket)
    print(f"{name} is at {said['route_path'][0]}", flush=True)

    if to is not None:
        socket.send_json({"destination": to, "type": "note", "content": text})
        print(json.dumps(hear(socket)))
        return
    message = hear(socket)
    print(json.dumps(message))
    socket.send_json({"destination": message["original_sender"], "content": "thanks"})


def hear(socket):
    """The next message. What cannot be delivered comes back as an error, with the message itself."""
    if not socket.poll(30_000):
        sys.exit("nobody has said anything for 30 seconds")
    message = socket.recv_json()
    if message.get("type") == "routing_error":
        sys.exit(f"{message['message']}: {json.dumps(message.get('original_message'))}")
    return message


if __name__ == "__main__":
    if len(sys.argv) not in (3, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
