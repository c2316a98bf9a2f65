"""The corpus of the demo: verses of the King James Bible, chapters held out, documents of two verses.

A document is two consecutive verses of one chapter, with a line feed between them (one verse where the chapter
ends). It is short so that a model trained on it learns to end by itself. Standard library only.
"""

import gzip
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent
PATH = FOLDER / "corpus" / "kjv.txt.gz"
VERSES_PER_DOCUMENT = 2
HELD_OUT = FOLDER / "corpus" / "held-out.txt"


def chapters(path: pathlib.Path = PATH) -> dict[str, list[str]]:
    """Chapter name, such as "Genesis 1", to its verses in order."""
    result: dict[str, list[str]] = {}
    for line in gzip.decompress(path.read_bytes()).decode("ascii").splitlines():
        place, verse = line.split("\t")
        result.setdefault(place.rpartition(":")[0], []).append(verse)
    return result


def split(all_chapters: dict[str, list[str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The chapters to train on, and the chapters held out, which corpus/held-out.txt lists. The list was drawn once,
    with random.Random(20261121).sample(sorted(all_chapters), 60), and is kept so that no generator can change it."""
    held_out = set(HELD_OUT.read_text(encoding="ascii").splitlines())
    train = {name: verses for name, verses in all_chapters.items() if name not in held_out}
    return train, {name: verses for name, verses in all_chapters.items() if name in held_out}


def documents(some_chapters: dict[str, list[str]], first: int = 0) -> list[str]:
    """The chapters cut into documents; `first` verses make up the first document of a chapter, if not 0."""
    result = []
    for verses in some_chapters.values():
        starts = ([0] if first else []) + list(range(first, len(verses), VERSES_PER_DOCUMENT))
        ends = starts[1:] + [len(verses)]
        result += ["\n".join(verses[start:end]) for start, end in zip(starts, ends)]
    return result
