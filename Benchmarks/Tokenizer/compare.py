#!/usr/bin/env python3
"""Tokenizer throughput: ours, sentencepiece, tokenizers (Hugging Face) and tiktoken, one thread, 20 MB of text.

prepare.py says what the text and the vocabularies are. All programs encode the same documents one after the other, in
turn, for some rounds; the best round of each counts, in MB (10^6 bytes of text) for each second of processor time, which
is the time on the clock where nothing else wants the processor. The calls are those by which
each library is fastest for a list of texts on one thread: sentencepiece's encode of a list with num_threads=1,
tokenizers' encode_batch_fast (which leaves out offsets) with TOKENIZERS_PARALLELISM off, tiktoken's
encode_ordinary_batch with one thread; decode likewise. The ids of all documents must be equal; so must the texts.

Needs python3 with venv and, the first time, the network: the packages and Django's sources come from PyPI into FOLDER.
"""

import argparse
import array
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import prepare

# Name of the vocabulary, our file, the peers and their files.
CASES = [
    ("Llama 32k, tokenizer.model", "llama.model", ["sentencepiece"]),
    ("Llama 32k, tokenizer.json", "llama.json", ["tokenizers"]),
    ("Llama 32k, Metaspace", "llama_metaspace.json", ["tokenizers"]),
    ("Llama 3, 128k", "llama3.json", ["tokenizers", "tiktoken"]),
    ("o200k", "o200k.json", ["tokenizers", "tiktoken"]),
]


class Ours:
    """The program TokenizerBenchmark, which answers commands."""

    def __init__(self, program: pathlib.Path, file: pathlib.Path, corpus: pathlib.Path):
        self.process = subprocess.Popen([program, file, corpus], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, command: str) -> list[str]:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            sys.exit(f"TokenizerBenchmark did not answer '{command}'")
        return answer

    def seconds(self, command: str) -> float:
        return float(self.ask(command)[0])

    def lists(self, command: str, path: pathlib.Path) -> list[array.array]:
        """What the program writes: a number and so many values for each document."""
        self.ask(f"{command} {path}")
        words = array.array("I", path.read_bytes())
        path.unlink()
        result, start = [], 0
        while start < len(words):
            result.append(words[start + 1:start + 1 + words[start]])
            start += 1 + words[start]
        return result

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


class SentencePiece:
    def __init__(self, folder: pathlib.Path, file: str):
        import sentencepiece

        self.file = str(folder / file)
        self.library = sentencepiece
        self.load()

    def load(self) -> None:
        self.tokenizer = self.library.SentencePieceProcessor(model_file=self.file)

    def encode(self, texts: list[str]) -> list[list[int]]:
        return self.tokenizer.encode(texts, num_threads=1)

    def decode(self, ids: list[list[int]]) -> list[str]:
        return self.tokenizer.decode(ids, num_threads=1)


class Tokenizers:
    def __init__(self, folder: pathlib.Path, file: str):
        import tokenizers

        self.file = str(folder / file)
        self.library = tokenizers
        self.load()

    def load(self) -> None:
        self.tokenizer = self.library.Tokenizer.from_file(self.file)

    def encode(self, texts: list[str]) -> list:
        # `ids` makes a Python list of a result, which is not the library's work; see main.
        return self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)

    def decode(self, ids: list[list[int]]) -> list[str]:
        return self.tokenizer.decode_batch(ids, skip_special_tokens=False)


class Tiktoken:
    def __init__(self, folder: pathlib.Path, file: str):
        self.folder, self.name = folder, file.removesuffix(".json")
        self.tokenizer = prepare.tiktoken_encoding(folder, self.name)

    load = None

    def encode(self, texts: list[str]) -> list[list[int]]:
        return self.tokenizer.encode_ordinary_batch(texts, num_threads=1)

    def decode(self, ids: list[list[int]]) -> list[str]:
        return self.tokenizer.decode_batch(ids, num_threads=1)


PEERS = {"sentencepiece": SentencePiece, "tokenizers": Tokenizers, "tiktoken": Tiktoken}


def timed(call, *arguments) -> tuple[float, object]:
    start = time.process_time()
    result = call(*arguments)
    return time.process_time() - start, result


def inside(folder: pathlib.Path) -> None:
    """Goes on in a Python that has the packages."""
    python = folder / "venv/bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    if subprocess.run([python, "-c", "import sentencepiece, tokenizers, tiktoken, google.protobuf"],
                      capture_output=True).returncode != 0:
        subprocess.run([python, "-m", "pip", "install", "--quiet", *prepare.PACKAGES], check=True, stdout=sys.stderr)
    if pathlib.Path(sys.prefix).resolve() != (folder / "venv").resolve():
        os.execv(python, [str(python), __file__, *sys.argv[1:]])


def compare(options: argparse.Namespace, corpus: pathlib.Path, texts: list[str], file: str, names: list[str]) -> dict:
    """The best seconds of each program for load, encode and decode, by name."""
    peers = {name: PEERS[name](options.folder, file) for name in names}
    ours = Ours(options.program, options.folder / file, corpus)
    wanted = [ids.tolist() for ids in ours.lists("write", options.folder / "ids.bin")]
    decoded = [bytes(text.tolist()).decode() for text in ours.lists("text", options.folder / "ids.bin")]
    best = {}

    def note(name: str, what: str, seconds: float) -> None:
        best[name, what] = min(seconds, best.get((name, what), seconds))

    for turn in range(options.rounds):
        for what in ["load", "encode", "decode"]:
            note("ours", what, ours.seconds(what))
            for name, peer in peers.items():
                if what == "load":
                    if peer.load:
                        note(name, what, timed(peer.load)[0])
                    continue
                seconds, result = timed(peer.encode, texts) if what == "encode" else timed(peer.decode, wanted)
                note(name, what, seconds)
                if turn == 0:
                    if what == "encode" and name == "tokenizers":
                        result = [encoding.ids for encoding in result]
                    check(name, what, result, wanted if what == "encode" else decoded, texts)
    ours.close()
    best["tokens"] = sum(map(len, wanted))
    return best


def check(name: str, what: str, got: list, wanted: list, texts: list[str]) -> None:
    different = [index for index, pair in enumerate(zip(got, wanted, strict=True)) if pair[0] != pair[1]]
    if different:
        sys.exit(f"{what}: {name} and ours differ in {len(different)} of {len(wanted)} documents, first in {different[0]}: "
                 f"{texts[different[0]][:200]!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True, help="TokenizerBenchmark")
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="where text, vocabularies and packages are kept")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, help="only so many bytes of the text")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    inside(options.folder)
    prepare.prepare(options.folder)

    corpus = options.folder / "corpus.bin"
    texts = prepare.read_corpus(corpus)
    if options.size:
        texts = prepare.spread(texts, options.size)[0]
        corpus = options.folder / "part.bin"
        prepare.write_corpus(corpus, texts)
    size = sum(len(text.encode()) for text in texts)
    print(f"{size / 1e6:.1f} MB in {len(texts)} documents, one thread, best of {options.rounds} rounds; MB/s\n")
    print("| vocabulary | bytes a token | against | encode, ours | theirs | ratio | decode, ours | theirs | ratio "
          "| load ms, ours | theirs |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for title, file, names in CASES:
        best = compare(options, corpus, texts, file, names)
        for name in names:
            cells = [title, f"{size / best['tokens']:.2f}", name]
            for what in ["encode", "decode"]:
                ours, theirs = (size / 1e6 / best[who, what] for who in ["ours", name])
                cells += [f"**{ours:.1f}**", f"{theirs:.1f}", f"{ours / theirs:.1f}"]
            load = best.get((name, "load"))
            cells += [f"{1000 * best['ours', 'load']:.0f}", "-" if load is None else f"{1000 * load:.0f}"]
            print("| " + " | ".join(cells) + " |", flush=True)
    print("\nAll ids and all decoded texts are equal.")


if __name__ == "__main__":
    main()
