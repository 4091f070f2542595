"""The line to the supervisor: length-framed JSON over the socket that was fd 0.

Everything that must still work, and still be honest, after user code ran in
this process lives in closures: no attribute of this module leads to the socket
or the token, and nothing here looks anything up in a module that user code can
patch.  (It can still be dug out of the interpreter's memory; see docs/sandbox.md.)
"""

import _json
import fcntl
import json
import os
import sys

HIGH_FD = 100
FRAME_LIMIT = 256 * 1024


def make_encoder():
    """A JSON encoder without switches, hooks or state that could be patched.

    Lone surrogates, which no UTF-8 can carry, become question marks.
    """
    quote = _json.encode_basestring
    to_utf8, from_utf8 = str.encode, bytes.decode
    kind, text, mapping, sequence, fraction = type, str, dict, list, float
    show_int, show_float = int.__repr__, float.__repr__

    def encode(value):
        if value is None:
            return "null"
        if value is True:
            return "true"
        of = kind(value)
        if of is text:
            return quote(from_utf8(to_utf8(value, "utf-8", "replace"), "utf-8"))
        if of is mapping:
            return "{" + ",".join([quote(k) + ":" + encode(v) for k, v in value.items()]) + "}"
        if of is sequence:
            return "[" + ",".join([encode(v) for v in value]) + "]"
        if of is fraction:
            return show_float(value)
        return show_int(value)

    return encode


def open_channel():
    """Take fd 0 away from user code; return `receive`, `announce` and `emitter`.

    `receive()` is the next frame as an object, or None at the end of the stream.
    `announce(frame)` sends one frame as it is, before user code exists.
    `emitter(token)` is a function that sends numbered events under the token.
    """
    fd = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, HIGH_FD)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if null:
        os.close(null)

    read, write, leave, getpid = os.read, os.write, os._exit, os.getpid
    encode, home = make_encoder(), os.getpid()
    system, streams = sys, (sys.stdout, sys.stderr)
    utf8, view, size, big = str.encode, memoryview, len, int.to_bytes

    smaller = min

    def read_exactly(count):
        parts = []
        while count:
            part = read(fd, smaller(count, 1 << 20))
            if not part:
                return None
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    from_bytes = int.from_bytes

    def receive_raw():
        head = read_exactly(4)
        return head and read_exactly(from_bytes(head, "big"))

    def receive():
        body = receive_raw()
        return json.loads(body) if body else None

    def send(text):
        if getpid() != home:
            # A fork of this process that came back from user code: it has no say.
            leave(0)
        body = utf8(text, "utf-8")
        rest = view(big(size(body), 4, "big") + body)
        try:
            while rest:
                rest = rest[write(fd, rest):]
        except BaseException:
            # The line is gone (user code closed it): nothing left to say or do.
            leave(1)

    def flush():
        for stream in (system.stdout, system.stderr, *streams):
            try:
                stream.flush()
            except BaseException:
                pass

    def announce(frame):
        send(encode(frame))

    def emitter(token):
        count = 0

        def emit(event):
            nonlocal count
            flush()
            send(encode({"type": "event", "token": token, "seq": count, "event": event}))
            count += 1
            # The supervisor has heard it, and all that was printed before: what is printed from
            # here on belongs to what comes next.
            try:
                heard = receive_raw()
            except BaseException:
                heard = None
            if not heard:
                leave(1)

        return emit

    return receive, announce, emitter
