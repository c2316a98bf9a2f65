"""Writes verdicts.tsv: small safetensors files, most of them broken, and whether the safetensors package accepts them.

One line per file: its bytes in hexadecimal, a tab, 'accepted' or 'refused', a tab, what was done to it.

    pip install safetensors==0.8.0
    python3 make_verdicts.py > verdicts.tsv
"""

import json
import random
import struct

import safetensors


def file(header, data, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(begin, end, dtype="F32", shape=(2,)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def by_hand():
    one = {"a": tensor(0, 8)}
    two = {"a": tensor(0, 8), "b": tensor(8, 12, "I16", (2, 1))}
    data = bytes(range(12))
    good = file(two, data)
    yield "one tensor", file(one, data[:8])
    yield "two tensors", good
    yield "other order", file({"b": two["b"], "a": two["a"]}, data)
    yield "padded header", file(json.dumps(one).encode() + b"     ", data[:8])
    yield "padded with newline and tab", file(json.dumps(one).encode() + b"\n\t", data[:8])
    yield "padded with zeros", file(json.dumps(one).encode() + b"\0\0", data[:8])
    yield "no tensors", file({}, b"")
    yield "no tensors but data", file({}, b"12")
    yield "metadata", file({"__metadata__": {"k": "v"}, **one}, data[:8])
    yield "metadata only", file({"__metadata__": {"k": "v"}}, b"")
    yield "metadata with a number", file({"__metadata__": {"k": 1}, **one}, data[:8])
    yield "metadata is null", file({"__metadata__": None, **one}, data[:8])
    yield "metadata is a list", file({"__metadata__": [], **one}, data[:8])
    for size in range(len(good)):
        yield f"cut to {size} bytes", good[:size]
    yield "a byte too many", good + b"\0"
    for length in [0, 1, 2, 7, 99, 10**8, 10**8 + 1, 2**31, 2**32, 2**62, 2**63 - 8, 2**63 - 1, 2**63, 2**64 - 8, 2**64 - 1]:
        yield f"header length {length}", file(two, data, length)
    for header in [b"", b"[]", b"null", b"1", b'"a"', b"{", b"{}x", b'{"a":}', b"\xff{}", b"{'a':1}", b"\xef\xbb\xbf{}", b" " * 9]:
        yield f"header {header!r}", file(header, b"")
    for broken in [
        {}, {"dtype": "F32"}, {"dtype": "F32", "shape": [2]}, {"shape": [2], "data_offsets": [0, 8]},
        {"dtype": "F32", "data_offsets": [0, 8]}, None, 3, "x", [],
        dict(tensor(0, 8), dtype="F33"), dict(tensor(0, 8), dtype="f32"), dict(tensor(0, 8), dtype=None),
        dict(tensor(0, 8), dtype=32), dict(tensor(0, 8), shape=2), dict(tensor(0, 8), shape=[-2]), dict(tensor(0, 8), shape=[2.0]),
        dict(tensor(0, 8), shape=["2"]), dict(tensor(0, 8), shape=None), dict(tensor(0, 8), shape=[1, 2]),
        dict(tensor(0, 8), shape=[3]), dict(tensor(0, 8), shape=[]), dict(tensor(0, 8), shape=[2, 0]),
        dict(tensor(0, 8), shape=[2**62, 4]), dict(tensor(0, 8), shape=[2**63]), dict(tensor(0, 8), shape=[2**64]),
        dict(tensor(0, 8), shape=[2**64 + 2]), dict(tensor(0, 8), shape=[4194305, 4194305, 211106198978564]),
        dict(tensor(0, 8), shape=[2**32, 2**32, 0]), dict(tensor(0, 8), shape=[0, 2**32, 2**32]),
        dict(tensor(0, 8), shape=[2**61 + 2]), dict(tensor(0, 8), data_offsets=[0]), dict(tensor(0, 8), data_offsets=[0, 8, 8]),
        dict(tensor(0, 8), data_offsets=[-8, 0]), dict(tensor(0, 8), data_offsets=[8, 0]), dict(tensor(0, 8), data_offsets=[8, 16]),
        dict(tensor(0, 8), data_offsets=[0, 2**63]), dict(tensor(0, 8), data_offsets=[2**64 - 8, 2**64]),
        dict(tensor(0, 8), data_offsets=[2**63 - 4, 2**63 + 4]), dict(tensor(0, 8), data_offsets=["0", "8"]),
        dict(tensor(0, 8), data_offsets=[0.0, 8.0]), dict(tensor(0, 8), data_offsets=None), dict(tensor(0, 8), extra=1),
        dict(tensor(0, 8), dtype="F4", shape=[16]), dict(tensor(0, 8), dtype="F4", shape=[15]), dict(tensor(0, 8), dtype="F6_E2M3", shape=[10]),
        dict(tensor(0, 8), dtype="F8_E8M0", shape=[8]), dict(tensor(0, 8), dtype="C64", shape=[]), dict(tensor(0, 8), dtype="BOOL", shape=[8]),
    ]:  # fmt: skip
        yield f"entry {json.dumps(broken)}", file({"a": broken}, data[:8])
    yield "overlap", file({"a": tensor(0, 8), "b": tensor(4, 12)}, data)
    yield "same range", file({"a": tensor(0, 8), "b": tensor(0, 8)}, data[:8])
    yield "gap", file({"a": tensor(0, 8), "b": tensor(10, 12, "U8")}, data)
    yield "gap at the start", file({"a": tensor(4, 12)}, data)
    yield "empty tensor in the middle", file({"a": tensor(0, 8), "e": tensor(8, 8, "F32", (0,)), "b": tensor(8, 12, "U8", (4,))}, data)
    yield "empty tensor inside another", file({"a": tensor(0, 8), "e": tensor(4, 4, "F32", (0,))}, data[:8])
    yield "repeated name", file(b'{"a":' + json.dumps(one["a"]).encode() + b',"a":' + json.dumps(one["a"]).encode() + b"}", data[:8])


def main():
    cases = list(by_hand())
    generator = random.Random(7)
    good = cases[1][1]
    for number in range(250):
        broken = bytearray(good)
        place = generator.randrange(len(broken))
        broken[place] = generator.choice([generator.randrange(256), ord(generator.choice('0123456789[]{},:"'))])
        cases.append((f"byte {place} exchanged", bytes(broken)))
    for what, content in cases:
        try:
            safetensors.deserialize(content)
            verdict = "accepted"
        except safetensors.SafetensorError:
            verdict = "refused"
        print(f"{content.hex()}\t{verdict}\t{what}")


main()
