"""The text and the vocabularies of the tokenizer comparison; made once and kept in a folder.

The text is 20 MB in documents of up to 8 KiB: English prose (the King James Bible of the demo, Django's
documentation), messages in some ninety languages (Django's translations) and Python (Django). Django's source archive
comes from PyPI.

The vocabularies are trained on that text and on what else of those files there is, so that they need no download and
spell it about as well as a published vocabulary spells text like its own:

    llama      32,000 pieces, sentencepiece BPE with byte fallback, identity normalisation, dummy prefix, split digits
               and no white space removed, as Llama 2's; tokenizer.json with the same pieces in the layout of
               Llama-2 repositories (Prepend and Replace) and in the newer one (Metaspace)
    llama3     128,000 tokens, byte level, Llama 3's expression, ignore_merges; the same for tiktoken
    o200k      200,000 tokens, or as many as the text gives, byte level, o200k's expression; the same for tiktoken
"""

import array
import base64
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ["sentencepiece==0.2.1", "tokenizers==0.23.3", "tiktoken==0.14.0", "protobuf", "numpy"]
DJANGO = "django==5.2.8"
DOCUMENT = 8192
SIZES = {"prose": 11_500_000, "messages": 4_500_000, "code": 5_300_000}

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
         r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def messages(text: str) -> str:
    """The translations of a .po file."""
    parts = re.findall(r'^msgstr(?:\[\d\])? ((?:".*"\n)+)', text, re.MULTILINE)
    strings = ["".join(re.findall(r'^"(.*)"$', part, re.MULTILINE)) for part in parts]
    return "\n".join(s.replace(r"\n", "\n").replace(r"\"", '"') for s in strings if s)


def documents(text: str) -> list[str]:
    """The text cut at ends of lines into pieces of up to DOCUMENT bytes; a longer line is cut wherever it must be."""
    result, size, lines = [], 0, []
    for line in text.splitlines(keepends=True):
        while len(line) > DOCUMENT // 4:
            result, line = result + [line[:DOCUMENT // 4]], line[DOCUMENT // 4:]
        length = len(line.encode())
        if size + length > DOCUMENT:
            result.append("".join(lines))
            size, lines = 0, []
        size += length
        lines.append(line)
    return [document for document in result + ["".join(lines)] if document]


def gather(folder: pathlib.Path) -> dict[str, list[str]]:
    """The documents of each kind."""
    archive = next(folder.glob("django-*.tar.gz"), None)
    if archive is None:
        # Only to have the archive: pip asks the package for its name before it hands it over.
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest",
                        folder, DJANGO], check=True, stdout=sys.stderr)
        archive = next(folder.glob("django-*.tar.gz"))
    kinds = {"prose": [], "messages": [], "code": []}
    bible = gzip.decompress((ROOT / "Plugins/Llama2/Demo/corpus/kjv.txt.gz").read_bytes()).decode()
    kinds["prose"] += documents(bible)
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            kind = {".txt": "prose", ".po": "messages", ".py": "code"}.get(pathlib.Path(member.name).suffix)
            if kind is None or not member.isfile():
                continue
            try:
                text = tar.extractfile(member).read().decode()
            except UnicodeDecodeError:
                continue
            kinds[kind] += documents(messages(text) if kind == "messages" else text)
    return kinds


def spread(texts: list[str], size: int) -> tuple[list[str], list[str]]:
    """About `size` bytes taken evenly from the whole list, and what is left of it."""
    total = sum(len(text.encode()) for text in texts)
    taken, left, seen, kept = [], [], 0, 0
    for text in texts:
        length = len(text.encode())
        seen += length
        if kept + length <= size * seen // total:
            kept += length
            taken.append(text)
        else:
            left.append(text)
    return taken, left


def write_corpus(path: pathlib.Path, texts: list[str]) -> None:
    """The number of documents, their lengths in bytes (uint32, little endian), the documents."""
    encoded = [text.encode() for text in texts]
    lengths = array.array("I", [len(encoded), *map(len, encoded)])
    path.write_bytes(lengths.tobytes() + b"".join(encoded))


def read_corpus(path: pathlib.Path) -> list[str]:
    data = path.read_bytes()
    count = int.from_bytes(data[:4], "little")
    lengths = array.array("I", data[4:4 + 4 * count])
    texts, start = [], 4 + 4 * count
    for length in lengths:
        texts.append(data[start:start + length].decode())
        start += length
    return texts


def train_llama(folder: pathlib.Path, texts: list[str]) -> None:
    import sentencepiece

    lines = folder / "training.txt"
    lines.write_text("\n".join(texts))
    sentencepiece.SentencePieceTrainer.train(
        input=str(lines), model_prefix=str(folder / "llama"), model_type="bpe", vocab_size=32000,
        character_coverage=0.9995, byte_fallback=True, split_digits=True, normalization_rule_name="identity",
        remove_extra_whitespaces=False, add_dummy_prefix=True, allow_whitespace_only_pieces=True,
        max_sentence_length=DOCUMENT, num_threads=2, minloglevel=1)
    lines.unlink()
    write_llama_json(folder)


def write_llama_json(folder: pathlib.Path) -> None:
    """tokenizer.json with the pieces of llama.model: every way to join two pieces into one, best result first."""
    from sentencepiece import sentencepiece_model_pb2 as protobuf

    model = protobuf.ModelProto()
    model.ParseFromString((folder / "llama.model").read_bytes())
    ids = {piece.piece: index for index, piece in enumerate(model.pieces)}
    normal = {piece.piece for piece in model.pieces if piece.type == 1}
    merges = []
    for index, piece in enumerate(model.pieces):
        text = piece.piece
        if text in normal:
            cuts = [(text[:n], text[n:]) for n in range(1, len(text)) if text[:n] in normal and text[n:] in normal]
            cuts.sort(key=lambda cut: (ids[cut[0]], ids[cut[1]]))
            merges += [(-piece.score, index, cut) for cut in cuts]
    merges.sort(key=lambda merge: merge[:2])
    added = [{"id": n, "content": c, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": True} for n, c in enumerate(["<unk>", "<s>", "</s>"])]
    mark = "\u2581"
    strip = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    decoders = [{"type": "Replace", "pattern": {"String": mark}, "content": " "}, {"type": "ByteFallback"},
                {"type": "Fuse"}, strip]
    file = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": mark}, {"type": "Replace", "pattern": {"String": " "}, "content": mark}]},
        "pre_tokenizer": None, "post_processor": None, "decoder": {"type": "Sequence", "decoders": decoders},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                  "vocab": ids, "merges": [merge[2] for merge in merges]},
    }
    (folder / "llama.json").write_text(json.dumps(file, ensure_ascii=False))
    file["normalizer"] = None
    file["pre_tokenizer"] = {"type": "Metaspace", "replacement": mark, "prepend_scheme": "always", "split": True}
    (folder / "llama_metaspace.json").write_text(json.dumps(file, ensure_ascii=False))


def train_byte_level(folder: pathlib.Path, name: str, texts: list[str], expression: str, size: int, ignores: bool) -> None:
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, trainers

    tokenizer = tokenizers.Tokenizer(models.BPE(ignore_merges=ignores))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(expression), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, min_frequency=2, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(folder / f"{name}.json"))


def spelled_bytes() -> dict[str, int]:
    """The byte that each character of a byte-level vocabulary stands for."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in plain}
    table |= {chr(0x100 + n): byte for n, byte in enumerate(sorted(set(range(256)) - set(plain)))}
    return table


def tiktoken_encoding(folder: pathlib.Path, name: str):
    """The same vocabulary for tiktoken: whatever two tokens join to is ranked by its id."""
    import tiktoken

    table = spelled_bytes()
    vocabulary = json.loads((folder / f"{name}.json").read_text())["model"]["vocab"]
    ranks = {bytes(table[character] for character in token): id for token, id in vocabulary.items()}
    expression = {"llama3": LLAMA3, "o200k": O200K}[name]
    return tiktoken.Encoding(name, pat_str=expression, mergeable_ranks=ranks, special_tokens={})


def prepare(folder: pathlib.Path) -> None:
    if not (folder / "corpus.bin").exists():
        kinds = gather(folder)
        taken = {kind: spread(texts, SIZES[kind]) for kind, texts in kinds.items()}
        write_corpus(folder / "training.bin", [text for kind in taken for text in taken[kind][1]])
        write_corpus(folder / "corpus.bin", [text for kind in taken for text in taken[kind][0]])
    training = None
    for name, train in {
        "llama": lambda texts: train_llama(folder, texts),
        "llama3": lambda texts: train_byte_level(folder, "llama3", texts, LLAMA3, 128_000, True),
        "o200k": lambda texts: train_byte_level(folder, "o200k", texts, O200K, 200_000, False),
    }.items():
        if not (folder / f"{name}.json").exists():
            print(f"training {name}", file=sys.stderr)
            training = training or read_corpus(folder / "corpus.bin") + read_corpus(folder / "training.bin")
            train(training)


if __name__ == "__main__":
    prepare(pathlib.Path(sys.argv[1]))
