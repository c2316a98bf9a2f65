#!/usr/bin/env python3
"""Checks the code objects of the kernels and prints what each takes.

usage: kernel_table.py [--declared KERNELS.json] FOLDER TARGET... -- SOURCE...

Fails when a kernel is missing from its object, an object is for another target, the arguments of a kernel are not those
of its signature, or a kernel spills vector registers or keeps arrays in memory (PODIUM_SPILLS=1: with --declared it may).  What
kernels there are and what they take says KERNELS.json (`host kernels --extract`): a kernel that a plugin declares and
that no source defines is an error as well.  Without it the sources and podium_kernels.h say it.

The metadata is MessagePack in an ELF note (LLVM, "User Guide for AMDGPU Backend", code object V5); both are read here,
so that no LLVM tool is needed."""

import json
import os
import re
import struct
import sys
from pathlib import Path

# Per SIMD: vector registers of a lane, scalar registers, waves; per compute unit: SIMDs and bytes of local memory.
VECTOR, SCALAR, WAVES, SIMDS = 512, 800, 8, 4
LOCAL = {"gfx942": 64 << 10, "gfx950": 160 << 10}


def unpack(data, at=0):
    """The MessagePack value at an offset, and the offset behind it."""
    kind = data[at]
    at += 1
    if kind < 0x80:
        return kind, at
    if kind < 0x90 or kind in (0xDE, 0xDF):
        count, at = (kind & 15, at) if kind < 0x90 else integer(data, at, 2 if kind == 0xDE else 4)
        result = {}
        for _ in range(count):
            key, at = unpack(data, at)
            result[key], at = unpack(data, at)
        return result, at
    if kind < 0xA0 or kind in (0xDC, 0xDD):
        count, at = (kind & 15, at) if kind < 0xA0 else integer(data, at, 2 if kind == 0xDC else 4)
        result = []
        for _ in range(count):
            value, at = unpack(data, at)
            result.append(value)
        return result, at
    if kind < 0xC0 or kind in (0xD9, 0xDA):
        count, at = (kind & 31, at) if kind < 0xC0 else integer(data, at, 1 if kind == 0xD9 else 2)
        return data[at : at + count].decode(), at + count
    if kind in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[kind], at
    if 0xCC <= kind <= 0xCF:
        return integer(data, at, 1 << (kind - 0xCC))
    raise ValueError(f"MessagePack byte {kind:#x}")


def integer(data, at, size):
    return int.from_bytes(data[at : at + size], "big"), at + size


def sections(elf):
    if elf[:4] != b"\x7fELF":
        raise ValueError("no ELF file")
    offset, size, count = struct.unpack_from("<Q", elf, 40)[0], *struct.unpack_from("<HH", elf, 58)
    for i in range(count):
        yield struct.unpack_from("<IIQQQQIIQQ", elf, offset + i * size)


def metadata(elf):
    for _, kind, _, _, offset, size, *_ in sections(elf):
        if kind == 7:
            name, length, _ = struct.unpack_from("<III", elf, offset)
            start = offset + 12 + (name + 3) // 4 * 4
            return unpack(elf[start : start + length])[0]
    raise ValueError("no note with metadata")


def symbols(elf):
    """The names that the object exports."""
    table = list(sections(elf))
    for section in table:
        if section[1] == 11:
            strings = table[section[6]]
            for at in range(section[4], section[4] + section[5], 24):
                name, _, _, index = struct.unpack_from("<IBBH", elf, at)
                if index:
                    start = strings[4] + name
                    yield elf[start : elf.index(b"\0", start)].decode()


def signatures():
    text = Path("Sources/Kernels/include/podium_kernels.h").read_text()
    return {n.lower(): s for n, s in re.findall(r'#define PODIUM_(\w+)_SIGNATURE "(\w+)"', text)}


def letters(kernel):
    """The signature that the arguments of a kernel come to; integers and floats of four bytes look alike."""
    result = ""
    for argument in kernel[".args"]:
        if argument[".value_kind"] == "global_buffer":
            result += "p"
        elif argument[".value_kind"] == "by_value":
            result += "4" if argument[".size"] == 4 else "8"
        else:
            result += f"({argument['.value_kind']})"
    return result


def occupancy(kernel, target):
    waves = kernel[".max_flat_workgroup_size"] // 64
    vector = max(8, (kernel[".vgpr_count"] + 7) // 8 * 8)
    scalar = max(16, (kernel[".sgpr_count"] + 15) // 16 * 16)
    by_registers = min(WAVES, VECTOR // vector, SCALAR // scalar)
    blocks = by_registers * SIMDS // waves
    local = kernel[".group_segment_fixed_size"]
    if local:
        blocks = min(blocks, LOCAL[target] // local)
    return blocks * waves / SIMDS


def main():
    arguments = sys.argv[1:]
    declared = None
    if arguments[0] == "--declared":
        declared, arguments = json.loads(Path(arguments[1]).read_text()), arguments[2:]
    split = arguments.index("--")
    folder, targets, sources = Path(arguments[0]), arguments[1:split], arguments[split + 1 :]
    errors, rows = [], []
    known = {k["name"]: k["signature"] for k in declared["kernels"]} if declared else signatures()
    may_spill = declared and os.environ.get("PODIUM_SPILLS") == "1"
    for family in declared["families"] if declared else []:
        if family["source"] is None:
            names = [k["name"] for k in declared["kernels"] if k["family"] == family["name"]]
            errors.append(f"family {family['name']} has no HIP source; without code for a GPU: {', '.join(names)}")
    for source in sources:
        if declared:
            wanted = [k["name"] for k in declared["kernels"] if k["family"] == Path(source).stem]
        else:
            wanted = re.findall(r"^PODIUM_KERNEL(?:_OF_WAVES)?\([^)]+\)\s+(\w+)\(", Path(source).read_text(), re.M)
        if not wanted:
            errors.append(f"{source}: no kernel in it")
        for target in targets:
            path = folder / f"{Path(source).stem}.{target}.hsaco"
            elf = path.read_bytes()
            data, exported = metadata(elf), set(symbols(elf))
            if not data["amdhsa.target"].split(":")[0].endswith("-" + target):
                errors.append(f"{path.name}: is for {data['amdhsa.target']}")
            kernels = {kernel[".name"]: kernel for kernel in data["amdhsa.kernels"]}
            for name in wanted:
                kernel = kernels.get(name)
                if kernel is None or f"{name}.kd" not in exported:
                    errors.append(f"{path.name}: {name}.kd is not there")
                    continue
                wants = re.sub("[if]", "4", known.get(name, "?").replace("l", "8").replace("d", "8"))
                if letters(kernel) != wants:
                    errors.append(f"{path.name}: {name} takes {letters(kernel)}, its signature says {wants}")
                # Scalars that do not fit stand in lanes of a vector register: no memory, and no error.
                spills, lanes = kernel[".vgpr_spill_count"], kernel[".sgpr_spill_count"]
                memory = kernel[".private_segment_fixed_size"]
                if (spills or memory) and not may_spill:
                    errors.append(f"{path.name}: {name} spills {spills} registers and keeps {memory} bytes in memory")
                rows.append(
                    (name, target, kernel[".max_flat_workgroup_size"], kernel[".vgpr_count"], kernel[".agpr_count"],
                     kernel[".sgpr_count"], lanes, kernel[".group_segment_fixed_size"], spills, memory,
                     f"{occupancy(kernel, target):g}")
                )
    head = ("kernel", "target", "threads", "VGPR", "AGPR", "SGPR", "in lanes", "LDS", "spills", "scratch", "waves/SIMD")
    rows.sort(key=lambda row: (row[0], row[1]))
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(str(v).ljust(w) if i < 2 else str(v).rjust(w) for i, (v, w) in enumerate(zip(row, widths))))
    print("in lanes: scalars that stand in lanes of a vector register for want of scalar registers")
    print("VGPR counts both kinds of vector registers; waves/SIMD is what registers and LDS leave room for, 8 at most")
    for error in errors:
        print(f"kernels: {error}", file=sys.stderr)
    sys.exit(1 if errors else 0)


main()
