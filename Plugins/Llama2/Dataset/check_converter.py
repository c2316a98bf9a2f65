#!/usr/bin/env python3
"""Checks the converter on the four-row samples against values that it did not produce.

    venv/bin/python Plugins/Llama2/Dataset/check_converter.py Tests/Golden/dataset-samples

Needs pandas, therefore not part of `make test`, which reads the converted folder that is committed there.
"""

import json
import os
import struct
import sys
import tempfile

import convert_open_orca as converter


def sequences(folder, column):
    """Reads a token column the plain way, from the layout in README.md."""
    with open(os.path.join(folder, column["idx"]), "rb") as file:
        index = file.read()
    with open(os.path.join(folder, column["bin"]), "rb") as file:
        tokens = file.read()
    assert index[:9] == b"MMIDIDX\0\0"
    version, code, count, documents = struct.unpack_from("<QBQQ", index, 9)
    assert (version, code, documents) == (1, 4, count + 1) and len(index) == 42 + 20 * count
    lengths = struct.unpack_from(f"<{count}i", index, 34)
    offsets = struct.unpack_from(f"<{count}q", index, 34 + 4 * count)
    assert struct.unpack_from(f"<{count + 1}q", index, 34 + 12 * count) == tuple(range(count + 1))
    assert len(tokens) == 4 * sum(lengths) == 4 * column["tokens"]
    return [list(struct.unpack_from(f"<{n}i", tokens, at)) for n, at in zip(lengths, offsets)]


def rows(folder):
    """The rows of a converted folder, with the columns of the source."""
    with open(os.path.join(folder, "dataset.json"), encoding="utf-8") as file:
        description = json.load(file)
    with open(os.path.join(folder, "samples.jsonl"), encoding="utf-8") as file:
        result = [json.loads(line) for line in file]
    for name, column in description["tokens"].items():
        for row, ids in zip(result, sequences(folder, column), strict=True):
            row[name] = ids
    assert len(result) == description["samples"]
    return result


def main():
    golden = sys.argv[1] if len(sys.argv) > 1 else "Tests/Golden/dataset-samples"
    with open(os.path.join(golden, "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)["open_orca"]
    sources = sorted(name for name in os.listdir(golden) if ".pkl" in name)
    assert sources, f"no pickle in {golden}"
    for name in sources:
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(golden, name)
            try:
                converter.convert(source, os.path.join(folder, "refused"), allow_unknown=False)
                raise AssertionError("a pickle of unknown origin was accepted")
            except converter.ConversionError:
                pass
            converter.convert(source, os.path.join(folder, "all"), allow_unknown=True)
            assert rows(os.path.join(folder, "all")) == expected, name
            converter.convert(source, os.path.join(folder, "two"), allow_unknown=True, limit=2)
            assert rows(os.path.join(folder, "two")) == expected[:2], name
        print(f"golden dataset-samples/{name}: passed worst=0 tolerance=0")
    committed = os.path.join(golden, "open_orca.converted")
    assert rows(committed) == expected, committed
    print(f"golden {committed}: passed worst=0 tolerance=0")


if __name__ == "__main__":
    main()
