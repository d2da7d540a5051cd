"""A client of the wire, written from docs/wire.md and docs/wire/values.md with the standard library.

client.py SOCKET VECTORS KEYED KEY: talks to a server at SOCKET, and to one at KEYED that shares a key, and names each
thing that it has seen to hold.
"""

import hashlib
import hmac
import json
import os
import socket
import struct
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

PREFACE = bytes.fromhex("894d5250430d0a01")
HELLO, SERVER_HELLO, AUTH, OPEN, REPLY, DATA, STATUS, RESET, CREDIT = 1, 2, 3, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15
PING, PONG, GOAWAY, END, CREDIT_NOW, CRITICAL = 0x20, 0x21, 0x22, 0x01, 0x10, 0x8000
UNARY, SERVER_STREAM, CLIENT_STREAM, BOTH = range(4)
LIMITS = struct.pack("<IQIIII", 16384, 1 << 24, 64, 65536, 16384, 1024)  # Small: the server has to wait for credit.
SINGLE = {0xC0: None, 0xC2: False, 0xC3: True}
LENGTHS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}


def frame(kind, flags, stream, payload):
    head = len(payload).to_bytes(3, "little") + bytes([kind, flags]) + stream.to_bytes(7, "little")
    return head + zlib.crc32(head + payload).to_bytes(4, "little") + payload


def tagged(number, value):
    return struct.pack("<HH", number, len(value)) + value


def tagged_values(data):
    end = 4 + int.from_bytes(data[2:4], "little")
    return [(int.from_bytes(data[:2], "little"), data[4:end])] + tagged_values(data[end:]) if data else []


def method_key(name):
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")


def mac(key, label, *parts):
    return hmac.digest(key, b"meshrpc 1 " + label + b"\0" + b"".join(parts), "sha256")


def proof(key, side, *said):  # The binding, the client's hello, the server's up to its proof.
    return mac(key, side + b" proof", *(struct.pack("<I", len(part)) + part for part in said))


def item(value):
    data, number = pack(value), len(pack(value)) << 2
    groups = [number >> at & 0x7F for at in range(0, max(number.bit_length(), 1), 7)]
    return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:]) + data


def pack(value):  # MessagePack; the longest forms will do.
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        return struct.pack(">BQ", 0xCF, value) if value >= 0 else struct.pack(">Bq", 0xD3, value)
    if isinstance(value, str):
        return struct.pack(">BI", 0xDB, len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return struct.pack(">BI", 0xDF, len(value)) + b"".join(pack(k) + pack(v) for k, v in value.items())
    return struct.pack(">BI", 0xDD, len(value)) + b"".join(map(pack, value))


def unpack(data):
    value, rest = unpack_first(data)
    assert not rest, f"{rest} behind a value"
    return value


def unpack_first(data):
    marker, rest = data[0], data[1:]
    if marker < 0x80 or marker >= 0xE0 or marker in SINGLE:
        return SINGLE.get(marker, marker - 256 if marker >= 0xE0 else marker), rest
    if 0xCA <= marker <= 0xD3:
        form = ">" + "fdBHIQbhiq"[marker - 0xCA]
        return struct.unpack_from(form, rest)[0], rest[struct.calcsize(form):]
    size = LENGTHS.get(marker, 0)
    length = int.from_bytes(rest[:size], "big") if size else marker & (0x1F if marker >= 0xA0 else 0x0F)
    content, rest = rest[size:size + length], rest[size:]
    if 0xA0 <= marker < 0xDC:
        return content if 0xC4 <= marker <= 0xC6 else content.decode(), rest[length:]
    is_map, parts = marker < 0x90 or marker >= 0xDE, []
    for _ in range(2 * length if is_map else length):
        part, rest = unpack_first(rest)
        parts.append(part)
    return dict(zip(parts[::2], parts[1::2])) if is_map else parts, rest


class Failed:
    def __init__(self, status):
        self.sent, code, started, bits, _, _, reason, message, trailers = struct.unpack_from("<QBBBBIBxHI", status)
        self.said, self.chain, detail = (code, reason, started), [], status[24 + message + trailers:]
        self.error = unpack(detail) if bits & 2 else None
        while bits & 4 and detail:
            end = 4 + int.from_bytes(detail[:4], "little")
            self.chain.append(detail[4:end].decode())
            detail = detail[end:]


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.input = self.socket.makefile("rb")
        self.next, self.streams, self.owed, self.last = 2, {}, 0, None

    def shake_hands(self, *wanted, key=None):
        nonce = os.urandom(32)
        values = [(CRITICAL | 1, bytes(8)), (CRITICAL | 2, LIMITS), (CRITICAL | 4, b"\x01"), (5, b"\x04\0\0\0"),
                  (9, b"python"), (0x2A5A, b"ignored")] + [(7, bytes(8) + name.encode()) for name in wanted]
        values += [(11, nonce), (12, mac(key, b"key tag", nonce)[:8])] if key else []
        said = b"".join(tagged(*value) for value in values)
        self.socket.sendall(PREFACE + frame(HELLO, 0, 0, said))
        assert self.take(8) == PREFACE
        kind, _, _, payload = self.frame()
        assert kind == SERVER_HELLO, kind
        hello = tagged_values(payload)
        if key:
            assert hello[-1] == (13, proof(key, b"server", b"", said, payload[:-36])), "no proof"
            self.send(AUTH, 0, 0, proof(key, b"client", b"", said, payload[:-36]))
        limits = struct.unpack_from("<IQIIII", dict(hello)[CRITICAL | 2])
        self.max_frame, _, _, self.credit, self.window, self.inline = limits
        self.verdicts = {value[2:2 + value[1]].decode(): value[0] for number, value in hello if number == 7}
        return self

    def take(self, length):
        taken = self.input.read(length)
        if len(taken) < length:
            raise EOFError(taken)
        return taken

    def frame(self):
        head = self.take(16)
        payload = self.take(int.from_bytes(head[:3], "little"))
        assert zlib.crc32(head[:12] + payload) == int.from_bytes(head[12:], "little"), "a wrong checksum"
        return head[3], head[4], int.from_bytes(head[5:12], "little"), payload

    def send(self, kind, flags, stream, payload):
        self.socket.sendall(frame(kind, flags, stream, payload))

    def hear(self):  # Takes one frame.
        kind, flags, number, payload = self.frame()
        stream = self.streams.get(number)
        if kind == DATA:
            body = payload[8:] if flags & END else payload
            self.owed += len(body)
            if self.owed >= 32768 or flags & CREDIT_NOW:
                self.send(CREDIT, 0, 0, self.owed.to_bytes(4, "little"))
                self.owed = 0
        if kind == PING:
            self.send(PONG, 0, 0, payload)
        elif kind == GOAWAY:
            self.last, reason = struct.unpack_from("<QB", payload)
            assert reason == 0, payload[16:]
        elif kind == CREDIT and (number == 0 or stream):
            (stream or self).credit += int.from_bytes(payload, "little")
        elif kind in (REPLY, DATA) and stream:
            assert (kind == REPLY) != stream.replied, "a reply comes first, and once"
            if kind == REPLY:
                assert payload[2] == 2, "field names are answered with field names"
                body, stream.replied = payload[int.from_bytes(payload[:2], "little"):], True
            stream.received, stream.data, stream.ended = stream.received + len(body), stream.data + body, flags & END
            if kind == DATA and stream.ended:
                assert int.from_bytes(payload[:8], "little") == stream.received, "a direction adds up"
        elif kind == STATUS and stream:
            stream.over = Failed(payload)
            assert stream.over.sent == stream.received, "a direction adds up"

    def open(self, name, arguments=None, kind=UNARY, time_left=0):
        number, self.next = self.next, self.next + 2
        streams = kind in (CLIENT_STREAM, BOTH)
        self.streams[number] = stream = SimpleNamespace(
            credit=self.window if streams else 1 << 62, sent=0, received=0, consumed=0, data=b"",
            replied=False, ended=False, over=None)
        body = item(arguments or {}) if streams else pack(arguments or {})
        first = b"" if streams else body[:self.inline]
        whole, stream.sent = not streams and len(first) == len(body), len(first)
        length = b"" if whole or streams else tagged(5, len(body).to_bytes(8, "little"))
        head = struct.pack("<HBBQIIBBH", 24 + len(length), kind, 2, method_key(name), 0, time_left, 1, 0, 0)
        self.send(OPEN, END if whole else 0, number, head + length + first)
        if not whole:
            self.write(number, body[len(first):], end=not streams)
        return number

    def write(self, number, data, end=False):
        stream = self.streams[number]
        while (data or end) and not stream.over:
            room = min(self.credit, stream.credit, self.max_frame - 8)
            chunk, data = data[:room], data[room:]
            if chunk or not data:
                total = (stream.sent + len(chunk)).to_bytes(8, "little") if end and not data else b""
                self.send(DATA, END if total else 0, number, total + chunk)
                self.credit, stream.credit = self.credit - len(chunk), stream.credit - len(chunk)
                stream.sent, end = stream.sent + len(chunk), end and not total
            else:
                self.hear()

    def reply(self, number):
        stream = self.streams[number]
        while not stream.ended and not stream.over:
            self.hear()
        return stream.over or unpack(stream.data)

    def items(self, number):
        stream = self.streams[number]
        while True:
            start = 1 + next((at for at, byte in enumerate(stream.data) if byte < 0x80), len(stream.data))
            value = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(stream.data[:start]))
            end = start + (value >> 2)
            if len(stream.data) >= end:
                found, stream.data = stream.data[start:end], stream.data[end:]
                stream.consumed += end
                if stream.consumed >= 8192 and not stream.ended:
                    self.send(CREDIT, 0, number, stream.consumed.to_bytes(4, "little"))
                    stream.consumed = 0
                yield unpack(found)
            elif stream.ended or stream.over:
                assert not stream.data and not stream.over, "a stream ends between two items"
                return
            else:
                self.hear()

    def call(self, name, arguments=None, **more):
        return self.reply(self.open(name, arguments, **more))


def malformed(path, vector):  # What the server says to it, and whether it closes.
    peer = Connection(path)
    if vector["after"] == "handshake":
        peer.shake_hands("Greeter")
    elif vector["after"] == "preface":
        peer.socket.sendall(PREFACE)
    once, said, alive = bytes.fromhex(vector["hex"]) + bytes(vector["zeros"]), [], False
    try:
        peer.socket.sendall(bytes.fromhex(vector["before"]) + once * vector["repeat"])
        vector["closes"] or peer.send(PING, 0, 0, b"the last")
    except OSError:
        pass  # It has heard enough; what it said can still be read.
    try:
        if "text" in vector["answer"]:
            peer.take(1 << 16)
        assert vector["after"] == "handshake" or peer.take(8) == PREFACE
        while not alive or not said and vector["answer"] != "nothing":
            kind, _, _, payload = peer.frame()
            alive |= payload == b"the last"
            said += {GOAWAY: lambda: [{"goaway": payload[8]}], REPLY: lambda: ["reply"],
                     STATUS: lambda: [{"status": [payload[16], payload[9]]}]}.get(kind, list)()
    except EOFError as rest:
        return said[0] if said else {"text": rest.args[0].decode()}, True
    return said[0] if said else "nothing", False


def main(path, folder, keyed, secret):
    vectors = {file.stem: json.loads(file.read_text()) for file in Path(folder).glob("*.json")}

    def holds(what, found, expected=True):
        assert found == expected, f"{what}: {found!r} and not {expected!r}"
        print(what, flush=True)

    for vector in vectors["frames"]:
        data = bytes.fromhex(vector["hex"])
        assert frame(data[3], data[4], vector["frame"]["stream"], data[16:]) == data, vector["name"]
    for vector in vectors["method_keys"]:
        assert method_key(vector["name"]) == int(vector["number"], 16), vector["name"]
    for vector in vectors["values"]:
        vector["field_named"] and unpack(bytes.fromhex(vector["field_named"]))
    for vector in vectors["proofs"]:
        data = {name: bytes.fromhex(text) for name, text in vector.items() if name not in ("name", "key")}
        key, said = vector["key"].encode(), [data[part] for part in ("binding", "client_hello", "server_hello")]
        assert mac(key, b"key tag", data["client_nonce"])[:8] == data["tag"], vector["name"]
        assert [proof(key, side, *said) for side in (b"server", b"client")] == [
            data["server_proof"], data["client_proof"]], vector["name"]
    wire = Connection(path).shake_hands("Greeter", "Nobody", "Tour")
    holds("shakes hands", wire.verdicts, {"Greeter": 1, "Nobody": 2, "Tour": 1})
    holds("calls", wire.call("Greeter/greet", {"name": "Max"}), "Hello, Max")
    holds("reads an error as text", wire.call("Greeter/greet", {"name": ""}).chain, ["nobody to greet"])
    failed = wire.call("Greeter/send_postcard", {"card": {"recipient": "", "address": "", "message": ""}})
    holds("reads an error as a value", failed.error, "NoRecipient")
    holds("is told of an unknown method", wire.call("Greeter/insult").said, (12, 1, 0))
    text = "0123456789abcdef" * 400_000
    holds("sends and reads chunks", wire.call("Tour/measure", {"text": text}), [len(text), text])
    holds("is told of a deadline", wire.call("Tour/wait", time_left=50).said, (4, 9, 1))
    number = wire.open("Tour/count", {"from": 1, "to": 20_000}, SERVER_STREAM)
    expected = [{"Err": {"Unlucky": {"number": n}}} if n == 13 else {"Ok": n} for n in range(1, 20_001)]
    holds("reads a stream", list(wire.items(number)), expected)
    number = wire.open("Tour/sum", {"start": 5}, CLIENT_STREAM)
    wire.write(number, b"".join(map(item, range(200_000))), end=True)
    holds("sends a stream", wire.reply(number), 5 + sum(range(200_000)))
    number = wire.open("Tour/echo", {"prefix": ">"}, BOTH)
    answers = wire.items(number)
    for word in ("one", "two"):
        wire.write(number, item(word))
        holds("streams both ways", next(answers), {"Ok": ">" + word})
    wire.write(number, b"", end=True)
    holds("ends both ways", list(answers), [])
    number = wire.open("Tour/count", {"from": 14, "to": 1 << 40}, SERVER_STREAM)
    next(wire.items(number))
    wire.send(RESET, 0, number, bytes(4))
    holds("cancels", wire.call("Tour/dropped"), 1)
    holds("pings", wire.call("meshrpc.ping/ping"), None)
    contracts = {contract["name"] for contract in wire.call("meshrpc.describe/contracts")}
    holds("asks what is served", contracts >= {"Greeter", "Tour"})
    refused = [vector for vector in vectors["malformed"] if vector["receiver"] == "server"]
    found = [(vector["name"], *malformed(path, vector)) for vector in refused]
    holds("is refused", found, [(vector["name"], vector["answer"], vector["closes"]) for vector in refused])
    holds("proves a key", Connection(keyed).shake_hands("Greeter", key=secret.encode()).call("meshrpc.ping/ping"), None)
    try:
        Connection(keyed).shake_hands("Greeter")
    except AssertionError as kind:
        holds("is not let in without", kind.args[0], GOAWAY)
    number = wire.open("Tour/wait")
    holds("drain", wire.last, None)
    while wire.last in (None, (1 << 64) - 1):
        wire.hear()
    holds("heard the last id", wire.last, number)
    holds("has its answer", wire.reply(number), "let go")


main(*sys.argv[1:])
