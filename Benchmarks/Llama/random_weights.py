"""Random weights as a stream without end, in every type that a checkpoint here may have. Standard library only.

A block of numbers is drawn once, with a fixed seed (normal, deviation 0.02, rounded to bfloat16), encoded once in each
type, and repeated: the speed of a product does not depend on its numbers, as long as they are ordinary ones. The block
is 32 times a prime, so that the rows of a matrix all differ and groups of 32 never straddle its end. Every type encodes
the same bfloat16 numbers; a tensor is the same stretch of the stream in each.
"""

import math
import random
import struct

# Goes up with every change to the numbers or to how they are encoded, so that kept files are made again.
VERSION = 1
GROUP = 32
GROUPS = 32771
VALUES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


def draw():
    """The block, as float32 numbers that bfloat16 represents."""
    source = random.Random(1)
    raw = struct.pack(f"<{GROUPS * GROUP}f", *(source.gauss(0, 0.02) for _ in range(GROUPS * GROUP)))
    # The upper half of a float32 is a bfloat16; cut off instead of rounded, which does not matter here.
    cut = bytearray(raw)
    cut[0::4] = cut[1::4] = bytes(GROUPS * GROUP)
    return struct.unpack(f"<{GROUPS * GROUP}f", bytes(cut))


def groups(values):
    for start in range(0, len(values), GROUP):
        yield values[start:start + GROUP]


def float32(values):
    return struct.pack(f"<{len(values)}f", *values)


def bfloat16(values):
    whole, cut = float32(values), bytearray(2 * len(values))
    cut[0::2], cut[1::2] = whole[2::4], whole[3::4]
    return bytes(cut)


def float16(values):
    return struct.pack(f"<{len(values)}e", *values)


def e2m1(scaled):
    """Code of the nearest E2M1 number, ties to the even code, saturating."""
    size = abs(scaled)
    code = 7
    for lower in range(7):
        middle = (VALUES[lower] + VALUES[lower + 1]) / 2
        if size < middle or size == middle and lower % 2 == 0:
            code = lower
            break
    return code | (8 if math.copysign(1, scaled) < 0 else 0)


def even_scale(largest):
    """E8M0 code of a group's scale by Quark's rule "even" (docs/formats.md)."""
    bits = struct.unpack("<I", struct.pack("<f", largest))[0] + 0x200000
    return min(max((bits >> 23 & 0xff) - 2, 0), 254)


def mxfp4(values):
    """(codes, scales): for each group 32 E2M1 codes and one E8M0 code."""
    codes, scales = bytearray(), bytearray()
    for group in groups(values):
        scale = even_scale(max(map(abs, group)))
        scales.append(scale)
        factor = 2.0 ** (127 - scale)
        codes.extend(e2m1(value * factor) for value in group)
    return codes, scales


def e4m3_table():
    """Positive E4M3 numbers by code, 0 to 448."""
    return [code / 512 if code < 8 else (1 + code % 8 / 8) * 2.0 ** (code // 8 - 7) for code in range(127)]


def e4m3(values, scale):
    """E4M3 codes of values/scale, to nearest, ties to even, saturating."""
    table, out = e4m3_table(), bytearray()
    for value in values:
        size = min(abs(value) / scale, 448.0)
        mantissa, exponent = math.frexp(size)
        # Three bits behind the leading one; below 2^-6 the spacing stays 2^-9.  round() takes ties to even.
        step = 2.0 ** max(exponent - 4, -9)
        rounded = round(size / step) * step
        code = int(rounded * 512) if rounded < 2.0 ** -6 else 0
        if rounded >= 2.0 ** -6:
            mantissa, exponent = math.frexp(rounded)
            code = (exponent + 6) * 8 + int(mantissa * 16) - 8
        assert table[code] == rounded
        out.append(code | (128 if value < 0 else 0))
    return bytes(out)


class Stream:
    """One encoding of the block, taken piece by piece; `width` bytes for a group of 32 numbers."""

    def __init__(self, encoded):
        self.block = bytes(encoded)
        self.width = len(self.block) // GROUPS
        assert self.width * GROUPS == len(self.block)

    def pieces(self, first, count):
        """Bytes of `count` numbers from number `first` on, both multiples of 32, in pieces."""
        at, left = first // GROUP % GROUPS * self.width, count // GROUP * self.width
        while left > 0:
            piece = self.block[at:at + left]
            yield piece
            left -= len(piece)
            at = 0

    def rows(self, first, rows, columns):
        """The same as a list of rows."""
        whole, width = b"".join(self.pieces(first, rows * columns)), columns // GROUP * self.width
        return [whole[row * width:(row + 1) * width] for row in range(rows)]
