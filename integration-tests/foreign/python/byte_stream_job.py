"""Byte streams through the published Python client.

    byte_stream_job.py CONTROLLER admin|write|read|tail|job SCOPE/STREAM [LENGTH]

``admin`` creates scope and stream, ``write`` stores standard input, ``read`` prints LENGTH bytes from the head, ``job``
does all that a byte stream is for and checks every step. ``tail`` is the other half of ``job``'s parked read: it says
"parked" and prints the first LENGTH bytes written from then on.

What this client does not offer, and so is not exercised: sealing a segment (only the controller's sealing of a stream),
asking whether a scope or a stream exists, asking how many bytes can be read at once, and writing to a stream that already
holds data: its writer expects offset 0 and cannot be moved, so the flush fails with a conditional check failure.
"""

import random
import subprocess
import sys
import time

import pravega_client

# Larger than one append (8 MiB), one read reply and one read-ahead buffer of this client.
BULK = 9 * 1024 * 1024 + 13
TRUNCATE_AT = BULK // 3
PIECE = 64 * 1024
ANSWER_SECONDS = 30
# Time for a read to reach the server and wait there; too short only means that the wait is not exercised.
PARK_SECONDS = 0.7


def check(holds, what):
    if not holds:
        sys.exit(f"error: does not hold: {what}")


class Job:
    def __init__(self, controller, scoped_stream):
        self.controller = controller
        self.scoped_stream = scoped_stream
        self.scope, self.stream = scoped_stream.split("/")
        self.manager = pravega_client.StreamManager(controller)

    def open(self):
        return self.manager.create_byte_stream(self.scope, self.stream)

    def admin(self):
        self.manager.create_scope(self.scope)
        self.manager.create_stream(self.scope, self.stream, 1)

    def write(self, source):
        stream = self.open()
        while piece := source.read(BULK):
            write_all(stream, piece)
        stream.flush()

    def read(self, sink, length):
        stream = self.open()
        stream.seek(stream.current_head_offset(), 0)
        for piece in pieces(stream, length):
            sink.write(piece)
        sink.flush()

    def tail(self, sink, length):
        stream = self.open()
        stream.seek(0, 2)
        print("parked", file=sys.stderr, flush=True)
        for piece in pieces(stream, length):
            sink.write(piece)
        sink.flush()

    def everything(self):
        self.create_and_look()
        stream = self.open()
        bulk = self.bulk(stream)
        tail = self.parked_read(stream)
        self.truncation(stream, bulk, tail)
        self.sealed_end(stream, tail)
        check(self.manager.delete_stream(self.scope, self.stream), "the stream is deleted")
        check(self.manager.delete_scope(self.scope), "the scope is deleted")
        check(self.scope not in self.manager.list_scope(), "the scope is gone")
        print("PASS python: admin, write, read, parked tail read, truncate, seal, delete")

    def create_and_look(self):
        check(self.manager.create_scope(self.scope), "a new scope is created")
        check(not self.manager.create_scope(self.scope), "and not twice")
        check(self.manager.create_stream(self.scope, self.stream, 1), "a new stream is created")
        check(not self.manager.create_stream(self.scope, self.stream, 1), "and not twice")
        check(self.scope in self.manager.list_scope(), "the scope is listed")
        check(self.stream in self.manager.list_stream(self.scope), "the stream is listed")

    def bulk(self, stream):
        bulk = random.Random(20240601).randbytes(BULK)
        for at in range(0, 10_000, 100):
            check(stream.write(bulk[at : at + 100]) == 100, "a small write is taken whole")
        write_all(stream, bulk[10_000:])
        stream.flush()
        check(stream.current_head_offset() == 0, "nothing is truncated yet")
        check(stream.current_tail_offset() == BULK, "the tail is behind the bytes written")
        check(exactly(stream, BULK) == bulk, "the bytes come back")
        check(stream.tell() == BULK, "the reader stands at the tail")
        return bulk

    def parked_read(self, stream):
        # Another process: a call that waits holds the interpreter lock, so a thread would keep this one from writing.
        late = b"late bytes"
        command = [sys.executable, __file__, self.controller, "tail", self.scoped_stream, str(len(late))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as parked:
            check(parked.stderr.readline().startswith(b"parked"), "the other process opens the stream")
            time.sleep(PARK_SECONDS)
            check(parked.poll() is None, "a read at the tail waits")
            stream.write(late)
            stream.flush()
            try:
                seen, complaint = parked.communicate(timeout=ANSWER_SECONDS)
            except subprocess.TimeoutExpired:
                parked.kill()
                sys.exit("error: a write did not wake the read at the tail")
            check(seen == late, f"a write wakes it: {seen!r} {complaint!r}")
        return BULK + len(late)

    def truncation(self, stream, bulk, tail):
        stream.truncate(TRUNCATE_AT)
        check(stream.current_head_offset() == TRUNCATE_AT, "the head has moved")
        check(stream.current_tail_offset() == tail, "the tail has not")
        stream.seek(0, 0)
        try:
            stream.readinto(bytearray(1))
        except OSError:
            pass
        else:
            check(False, "a read of truncated bytes must fail")
        stream.seek(stream.current_head_offset(), 0)
        check(exactly(stream, BULK - TRUNCATE_AT) == bulk[TRUNCATE_AT:], "the rest reads from the head")

    def sealed_end(self, stream, tail):
        stream.write(b"end")
        stream.flush()
        check(self.manager.seal_stream(self.scope, self.stream), "the stream is sealed")
        stream.seek(tail, 0)
        check(exactly(stream, 3) == b"end", "a sealed stream reads to its end")
        check(stream.readinto(bytearray(1)) == 0, "a sealed stream ends")
        check(stream.readinto(bytearray(1)) == 0, "and the end stays the end")


def write_all(stream, data):
    view = memoryview(data)
    while view:
        # At most 8 MiB are taken at a time.
        view = view[stream.write(bytes(view)) :]


def pieces(stream, length):
    while length > 0:
        buffer = bytearray(min(length, PIECE))
        count = stream.readinto(buffer)
        check(count > 0, f"the stream goes on for {length} more bytes")
        yield bytes(buffer[:count])
        length -= count


def exactly(stream, length):
    return b"".join(pieces(stream, length))


def main(controller, command, scoped_stream, length="0"):
    job = Job(controller, scoped_stream)
    if command == "admin":
        job.admin()
    elif command == "write":
        job.write(sys.stdin.buffer)
    elif command == "read":
        job.read(sys.stdout.buffer, int(length))
    elif command == "tail":
        job.tail(sys.stdout.buffer, int(length))
    elif command == "job":
        job.everything()
    else:
        sys.exit(f"error: unknown command {command}")


if __name__ == "__main__":
    main(*sys.argv[1:])
