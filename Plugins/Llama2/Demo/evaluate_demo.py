#!/usr/bin/env python3
"""Held-out loss of the demo model, in bits per byte, beside trigram models trained on the same chapters.

All three predict every document of the held-out chapters to its end, and the end itself; the sum of their bits is
divided by the bytes of the text. The weights are the committed ones, the arithmetic is float32.
"""

import argparse
import json
import math
import pathlib

import sentencepiece
import torch
import transformers

import corpus
import trigram

BOS, EOS = 1, 2


def model_bits(folder: pathlib.Path, sequences: list[list[int]]) -> float:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    total = 0.0
    with torch.inference_mode():
        for sequence in sequences:
            ids = torch.tensor([[BOS, *sequence]])
            logits = model(input_ids=ids[:, :-1], use_cache=False).logits[0]
            total += torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum").item()
    return total / math.log(2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=corpus.FOLDER / "checkpoint")
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    train, held_out = corpus.split(corpus.chapters())
    # The trigram models see every way in which the chapters were cut for the model.
    training = [text for first in range(corpus.VERSES_PER_DOCUMENT) for text in corpus.documents(train, first)]
    texts = corpus.documents(held_out)
    size = sum(len(text.encode()) for text in texts)
    sp = sentencepiece.SentencePieceProcessor(model_file=str(options.model / "tokenizer.model"))

    end = 256
    as_bytes = trigram.Trigram([[*text.encode(), end] for text in training], 257)
    as_tokens = trigram.Trigram([[*sp.encode(text), EOS] for text in training], sp.get_piece_size())
    tokens = [[*sp.encode(text), EOS] for text in texts]
    result = {
        "held_out_chapters": len(held_out), "held_out_documents": len(texts), "held_out_bytes": size,
        "held_out_tokens": sum(map(len, tokens)),
        "bits_per_byte": {
            "byte trigram": sum(as_bytes.bits([*text.encode(), end]) for text in texts) / size,
            "token trigram": sum(map(as_tokens.bits, tokens)) / size,
            "model": model_bits(options.model, tokens) / size,
        }}
    text = json.dumps(result, indent=2) + "\n"
    print(text, end="")
    if options.output:
        options.output.write_text(text)


if __name__ == "__main__":
    main()
