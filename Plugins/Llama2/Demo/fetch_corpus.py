#!/usr/bin/env python3
"""Extracts the King James Bible from the Debian packages that carry it into corpus/kjv.txt.gz.

The packages are downloaded with apt-get, unpacked into a temporary folder and read with the `bible` program
they contain; nothing is installed. The result is committed, so this script only needs to run again to check
where the text came from.
"""

import argparse
import glob
import gzip
import hashlib
import pathlib
import re
import subprocess
import tempfile

VERSION = "4.38"
PACKAGES = ["bible-kjv-text", "bible-kjv"]


def read_bible() -> str:
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            subprocess.run(["apt-get", "download", f"{package}={VERSION}"], cwd=folder, check=True)
        for archive in glob.glob(f"{folder}/*.deb"):
            subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
        return subprocess.run(
            # The program looks for its data below the current folder, whatever path it is given.
            ["usr/bin/bible", "-l99999", "-d", "usr/lib/bible.data", "gen1:1-rev22:21"], cwd=folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, encoding="ascii",
        ).stdout


def one_verse_per_line(printed: str) -> str:
    lines, chapter = [], None
    for line in printed.splitlines():
        if verse := re.fullmatch(r"  (\d+) (.*\S)\s*", line):
            lines.append(f"{chapter}:{verse[1]}\t{verse[2]}")
        elif heading := re.fullmatch(r"([A-Za-z0-9 ]+ \d+)\s*", line):
            chapter = heading[1]
        elif line.strip():
            raise SystemExit(f"bible printed a line that is neither a chapter nor a verse: {line!r}")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).parent / "corpus/kjv.txt.gz")
    output = parser.parse_args().output
    text = one_verse_per_line(read_bible()).encode("ascii")
    output.write_bytes(gzip.compress(text, 9, mtime=0))
    print(f"{output}: {len(text.splitlines())} verses, {len(text)} bytes, "
          f"sha256 of the text {hashlib.sha256(text).hexdigest()}")


if __name__ == "__main__":
    main()
