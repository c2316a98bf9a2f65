#!/usr/bin/env python3
"""Convert MLPerf's OpenOrca pickle to the folder that the Llama 2 plugin reads natively.

    python3 -m venv venv && venv/bin/pip install pandas
    venv/bin/python convert_open_orca.py open_orca_gpt4_tokenized_llama.sampled_24576.pkl.gz OUTPUT_FOLDER

The input is a pandas DataFrame, pickled, plain or gzipped. The output is described in README.md beside this file:
token ids as Megatron .bin/.idx pairs (int32, one sequence per sample), string columns as JSON Lines, and dataset.json,
which carries the MD5 of the source, so that a run can state which data set it used.

A pickle runs the code that it names. A file whose MD5 is not one of MLCommons' is therefore refused unless
--allow-unknown is given; give it for a file that you made or trust.

This is an offline tool: nothing at run time needs Python or pandas.
"""

import argparse
import gzip
import hashlib
import json
import os
import struct
import sys
import tempfile

# The MD5 of the pickle after gunzip, as published by MLCommons with the data set.
KNOWN_SOURCES = {
    "5fe8be0a7ce5c3c9a028674fd24b00d5": "open_orca_gpt4_tokenized_llama.sampled_24576 (performance and accuracy)",
}

FORMAT = "podium-dataset"
VERSION = 1
TOKEN_COLUMNS = ["tok_input", "tok_output"]
REQUIRED_COLUMNS = ["tok_input", "output"]
INDEX_MAGIC = b"MMIDIDX\x00\x00"
INT32_CODE = 4


class ConversionError(Exception):
    """What is wrong with the input, in one sentence for the user."""


def digest(path, algorithm):
    """The hexadecimal digest of a file, read in pieces."""
    state = hashlib.new(algorithm)
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            state.update(piece)
    return state.hexdigest()


def is_gzip(path):
    with open(path, "rb") as file:
        return file.read(2) == b"\x1f\x8b"


def gunzip(path, folder):
    """Unpacks into a file of its own, since the digest must be taken before anything is unpickled."""
    target = os.path.join(folder, "source.pkl")
    with gzip.open(path, "rb") as packed, open(target, "wb") as plain:
        while piece := packed.read(1 << 20):
            plain.write(piece)
    return target


def write_tokens(prefix, column, rows):
    """Writes PREFIX.bin and PREFIX.idx, one sequence per row; returns the number of tokens."""
    lengths = []
    with open(prefix + ".bin", "wb") as tokens:
        for number, row in enumerate(rows):
            try:
                values = [int(value) for value in row]
                tokens.write(struct.pack(f"<{len(values)}i", *values))
            except (TypeError, ValueError, struct.error) as error:
                raise ConversionError(f"row {number}, column {column}: not a list of 32-bit token ids ({error})")
            if min(values, default=0) < 0:
                raise ConversionError(f"row {number}, column {column}: negative token id {min(values)}")
            lengths.append(len(values))
    count = len(lengths)
    offsets, position = [], 0
    for length in lengths:
        offsets.append(position)
        position += 4 * length
    with open(prefix + ".idx", "wb") as index:
        index.write(INDEX_MAGIC)
        index.write(struct.pack("<QBQQ", 1, INT32_CODE, count, count + 1))
        index.write(struct.pack(f"<{count}i", *lengths))
        index.write(struct.pack(f"<{count}q", *offsets))
        index.write(struct.pack(f"<{count + 1}q", *range(count + 1)))
    return sum(lengths)


def plain(value, number, column):
    """A cell as what JSON can hold; a missing cell (None, NaN) is null."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or value != value:
        return None
    if isinstance(value, (str, int, float, bool)):
        return value
    raise ConversionError(f"row {number}, column {column}: cannot be written as JSON ({type(value).__name__})")


def convert(source, output, allow_unknown, limit=None):
    """Converts `source` into the folder `output`; returns the content of dataset.json."""
    import pandas

    with tempfile.TemporaryDirectory() as folder:
        packed = is_gzip(source)
        pickle_path = gunzip(source, folder) if packed else source
        md5 = digest(pickle_path, "md5")
        if md5 not in KNOWN_SOURCES and not allow_unknown:
            raise ConversionError(
                f"MD5 {md5} of the pickle is none that MLCommons publishes for this data set. The file may be damaged"
                " or another one. A pickle can run any code: use --allow-unknown only if you made or trust it.")
        frame = pandas.read_pickle(pickle_path)

    if not isinstance(frame, pandas.DataFrame):
        raise ConversionError(f"holds a {type(frame).__name__}, not a DataFrame")
    missing = [name for name in REQUIRED_COLUMNS if name not in frame.columns]
    if missing:
        raise ConversionError(f"has no column {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}")
    rows = len(frame)
    if rows == 0:
        raise ConversionError("has no rows")
    if limit is not None:
        frame = frame.head(limit)

    os.makedirs(output, exist_ok=True)
    if os.listdir(output):
        raise ConversionError(f"the output folder {output} is not empty")
    token_columns = {}
    for column in [name for name in TOKEN_COLUMNS if name in frame.columns]:
        total = write_tokens(os.path.join(output, column), column, frame[column])
        token_columns[column] = {"bin": column + ".bin", "idx": column + ".idx", "tokens": total}

    text_columns = [str(name) for name in frame.columns if name not in TOKEN_COLUMNS]
    with open(os.path.join(output, "samples.jsonl"), "w", encoding="utf-8", newline="\n") as lines:
        for number, row in enumerate(frame[text_columns].itertuples(index=False, name=None)):
            record = {name: plain(value, number, name) for name, value in zip(text_columns, row)}
            try:
                lines.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")
            except ValueError as error:  # a lone surrogate, an infinity
                raise ConversionError(f"row {number}: cannot be written as JSON ({error})")

    names = sorted(os.listdir(output))
    description = {
        "format": FORMAT,
        "version": VERSION,
        "samples": len(frame),
        "source": {
            "file": os.path.basename(source),
            "md5": md5,
            "known_as": KNOWN_SOURCES.get(md5),
            "rows": rows,
        },
        "tokens": token_columns,
        "text": {"jsonl": "samples.jsonl", "columns": text_columns},
        "files": {
            name: {
                "bytes": os.path.getsize(os.path.join(output, name)),
                "sha256": digest(os.path.join(output, name), "sha256"),
            }
            for name in names
        },
    }
    # Written last: a folder without it is a conversion that did not finish.
    with open(os.path.join(output, "dataset.json"), "w", encoding="utf-8", newline="\n") as file:
        json.dump(description, file, indent=2, ensure_ascii=False)
        file.write("\n")
    return description


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", help="the pickle, plain or gzipped")
    parser.add_argument("output", help="folder to make; must be empty or absent")
    parser.add_argument("--allow-unknown", action="store_true", help="convert a pickle whose MD5 is not known")
    parser.add_argument("--limit", type=int, help="convert the first LIMIT rows only (for a trial; not the data set)")
    arguments = parser.parse_args()
    try:
        if arguments.limit is not None and arguments.limit < 1:
            raise ConversionError("--limit must be at least 1")
        description = convert(arguments.source, arguments.output, arguments.allow_unknown, arguments.limit)
    except (ConversionError, OSError, EOFError) as error:
        print(f"{arguments.source}: {error}", file=sys.stderr)
        return 2
    tokens = {name: column["tokens"] for name, column in description["tokens"].items()}
    print(f"{arguments.output}: {description['samples']} samples, tokens {tokens}, source MD5"
          f" {description['source']['md5']} ({description['source']['known_as'] or 'not an official file'})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
