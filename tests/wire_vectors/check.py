"""Reads frames as docs/wire.md says, with nothing of the runtime: lengths, ids and checksums agree."""

import json
import sys
import zlib

frames = json.load(open(sys.argv[1]))
for vector in frames:
    data = bytes.fromhex(vector["hex"])
    length = int.from_bytes(data[0:3], "little")
    stream = int.from_bytes(data[5:12], "little")
    checksum = int.from_bytes(data[12:16], "little")
    payload = data[16:]
    name = vector["name"]
    assert len(payload) == length, f"{name}: {len(payload)} bytes, said {length}"
    assert zlib.crc32(data[:12] + payload) == checksum, f"{name}: wrong checksum"
    assert stream % 2 == 0, f"{name}: stream {stream} is of the server"
    of_stream = data[3] in (0x10, 0x11, 0x12, 0x13, 0x14)
    assert of_stream == (stream != 0) or data[3] == 0x15, f"{name}: stream {stream}"
print(len(frames))
