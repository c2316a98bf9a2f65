#!/usr/bin/env python3
"""Writes distinct prompts from the corpus as JSON Lines with the fields `text` and `reference`.

    ./make_prompts.py --count 24576 --seed 1 --output prompts.jsonl

A prompt is the beginning of a document: a verse and the next one of its chapter, cut between two words so that
8 to 40 words are shown and at least 5 are not. `reference` is the rest of the document, with the white space that
parts them: text + reference is the document. The same count, seed and corpus give the same file on any machine, and
make_prompts.sh gives it without Python. With --held-out the documents come from the chapters the model has not seen
(at most some 1,500). Standard library only.
"""

import argparse
import json
import pathlib
import re

import corpus

FEWEST, MOST, FEWEST_LEFT = 8, 40, 5


class MinimalStandard:
    """Park and Miller's generator: the stream is defined by two constants, not by a version of Python."""

    def __init__(self, seed: int):
        self.state = seed % 2147483646 + 1

    def below(self, bound: int) -> int:
        self.state = self.state * 48271 % 2147483647
        return self.state % bound


def prompts(chapters: dict[str, list[str]], count: int, seed: int) -> list[dict[str, str]]:
    candidates = []
    for verses in chapters.values():
        for n in range(len(verses)):
            document = "\n".join(verses[n:n + corpus.VERSES_PER_DOCUMENT])
            candidates.append(document.replace("  ", " "))  # two verses have a double space
    generator = MinimalStandard(seed)
    for i in range(len(candidates) - 1, 0, -1):
        j = generator.below(i + 1)
        candidates[i], candidates[j] = candidates[j], candidates[i]
    result, seen = [], set()
    for document in candidates:
        ends = [word.end() for word in re.finditer(r"\S+", document)]
        longest = min(MOST, len(ends) - FEWEST_LEFT)
        if longest < FEWEST:
            continue
        cut = ends[FEWEST + generator.below(longest - FEWEST + 1) - 1]
        if document[:cut] in seen:
            continue
        seen.add(document[:cut])
        result.append({"text": document[:cut], "reference": document[cut:]})
        if len(result) == count:
            return result
    raise SystemExit(f"make_prompts: {count} prompts asked, but the corpus yields only {len(result)} "
                     f"with seed {seed}; ask for fewer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--held-out", action="store_true", help="only from chapters kept out of the training")
    options = parser.parse_args()
    if options.count < 1 or options.seed < 0:
        parser.error("--count must be at least 1 and --seed at least 0")
    everything = corpus.chapters()
    chapters = corpus.split(everything)[1] if options.held_out else everything
    lines = [json.dumps(prompt, ensure_ascii=False) for prompt in prompts(chapters, options.count, options.seed)]
    options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
