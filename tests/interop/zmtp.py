"""ZMTP by hand, for what libzmq would never send. RFC 23."""

import socket
import struct

from mesh import PATIENCE

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)

MORE, LONG, COMMAND = 1, 2, 4


def connect(endpoint):
    """A connection that has said nothing."""
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    stream = socket.create_connection((host.strip("[]"), int(port)), PATIENCE)
    stream.settimeout(PATIENCE)
    return stream


def dealer(endpoint, identity=b""):
    """A connection that has shaken hands as a DEALER."""
    stream = connect(endpoint)
    stream.sendall(GREETING)
    exactly(stream, 64)
    body = b"\x05READY" + metadata(b"Socket-Type", b"DEALER")
    if identity:
        body += metadata(b"Identity", identity)
    stream.sendall(frame(body, COMMAND))
    read_frame(stream)
    return stream


def metadata(name, value):
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def frame(body, flags=0):
    if len(body) > 255:
        return head(len(body), flags) + body
    return bytes([flags, len(body)]) + body


def head(length, flags=0):
    """The head of a long frame, whatever follows it."""
    return bytes([flags | LONG]) + struct.pack(">Q", length)


def message(*frames):
    most = len(frames) - 1
    return b"".join(frame(f, MORE if at < most else 0) for at, f in enumerate(frames))


def exactly(stream, length):
    data = b""
    while len(data) < length:
        part = stream.recv(length - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_frame(stream):
    """The flags and the body of the next frame."""
    flags = exactly(stream, 1)[0]
    if flags & LONG:
        (length,) = struct.unpack(">Q", exactly(stream, 8))
    else:
        length = exactly(stream, 1)[0]
    return flags, exactly(stream, length)


def reset(stream):
    """Ends a connection by RST."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


def is_closed(stream):
    """Reads to the end. Whether the other side closed the connection before we lost patience."""
    try:
        while stream.recv(65536):
            pass
    except socket.timeout:
        return False
    except OSError:
        pass
    return True
