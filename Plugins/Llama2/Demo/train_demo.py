#!/usr/bin/env python3
"""Trains the demo model: a SentencePiece tokenizer and a small Llama on the text in corpus/.

Writes a checkpoint in the layout in which Llama 2 is published on Hugging Face: config.json,
generation_config.json, model.safetensors (bfloat16), tokenizer.model, tokenizer.json, tokenizer_config.json,
special_tokens_map.json; and beside it training.json with what was done. Everything random comes from --seed.

    pip install torch transformers sentencepiece
    ./train_demo.py --output checkpoint
"""

import argparse
import datetime
import io
import json
import math
import pathlib
import platform
import random
import time

import numpy
import sentencepiece
import torch
import transformers

import corpus

UNK, BOS, EOS = 0, 1, 2


def train_tokenizer(texts: list[str], vocabulary: int) -> bytes:
    """A tokenizer.model with the settings of Llama 2's. Verses, not documents: SentencePiece wants single lines,
    and so a line feed stays outside the vocabulary and becomes a byte token, as in Llama 2."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=model, model_type="bpe", vocab_size=vocabulary,
        character_coverage=1.0, byte_fallback=True, split_digits=True, normalization_rule_name="identity",
        add_dummy_prefix=True, remove_extra_whitespaces=False, allow_whitespace_only_pieces=True,
        unk_id=UNK, bos_id=BOS, eos_id=EOS, pad_id=-1, unk_surface=" \u2047 ", num_threads=1,
        minloglevel=1,
    )
    return model.getvalue()


def tokenizer_json(sp: sentencepiece.SentencePieceProcessor) -> dict:
    """The same tokenizer as a tokenizer.json, in the form in which Llama 2's is published."""
    pieces = [sp.id_to_piece(i) for i in range(sp.get_piece_size())]
    ids = {piece: i for i, piece in enumerate(pieces)}
    # SentencePiece merges the pair whose union has the best score, so a merge list is every way to split a piece
    # into two pieces, in the order of the scores of the unions.
    merges = []
    for i, piece in enumerate(pieces):
        if sp.is_byte(i) or sp.is_control(i) or sp.is_unknown(i):
            continue
        parts = [(piece[:n], piece[n:]) for n in range(1, len(piece))]
        parts = [(left, right) for left, right in parts if left in ids and right in ids]
        merges += [(-sp.get_score(i), ids[left], ids[right], left, right) for left, right in parts]
    special = [{"id": i, "content": pieces[i], "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True} for i in (UNK, BOS, EOS)]
    bos = {"SpecialToken": {"id": "<s>", "type_id": 0}}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u2581"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [bos, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [bos, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": "<s>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [BOS], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
            "vocab": ids, "merges": [f"{left} {right}" for _, _, _, left, right in sorted(merges)]},
    }


def write_json(path: pathlib.Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_tokenizer(folder: pathlib.Path, model: bytes, context: int) -> None:
    def token(content: str) -> dict:
        return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}

    (folder / "tokenizer.model").write_bytes(model)
    write_json(folder / "tokenizer.json", tokenizer_json(sentencepiece.SentencePieceProcessor(model_proto=model)))
    special = {"bos_token": token("<s>"), "eos_token": token("</s>"), "unk_token": token("<unk>")}
    write_json(folder / "special_tokens_map.json", special)
    write_json(folder / "tokenizer_config.json", {
        "add_bos_token": True, "add_eos_token": False,
        "added_tokens_decoder": {str(i): token(t) | {"special": True} for i, t in enumerate(["<unk>", "<s>", "</s>"])},
        "bos_token": "<s>", "clean_up_tokenization_spaces": False, "eos_token": "</s>", "legacy": False,
        "model_max_length": context, "pad_token": None, "sp_model_kwargs": {},
        "tokenizer_class": "LlamaTokenizer", "unk_token": "<unk>", "use_default_system_prompt": False})


def write_config(folder: pathlib.Path, config: transformers.LlamaConfig) -> None:
    """config.json and generation_config.json with the keys of the published Llama 2 checkpoints, which newer
    versions of transformers read but no longer write (torch_dtype, rope_theta, rope_scaling)."""
    write_json(folder / "config.json", {
        "architectures": ["LlamaForCausalLM"], "attention_bias": False, "bos_token_id": BOS, "eos_token_id": EOS,
        "head_dim": config.head_dim, "hidden_act": config.hidden_act, "hidden_size": config.hidden_size,
        "initializer_range": config.initializer_range, "intermediate_size": config.intermediate_size,
        "max_position_embeddings": config.max_position_embeddings, "mlp_bias": False, "model_type": "llama",
        "num_attention_heads": config.num_attention_heads, "num_hidden_layers": config.num_hidden_layers,
        "num_key_value_heads": config.num_key_value_heads, "pretraining_tp": 1, "rms_norm_eps": config.rms_norm_eps,
        "rope_scaling": None, "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
        "transformers_version": transformers.__version__, "use_cache": True, "vocab_size": config.vocab_size})
    write_json(folder / "generation_config.json", {
        "bos_token_id": BOS, "do_sample": False, "eos_token_id": EOS,
        "transformers_version": transformers.__version__})


def batches(sp, chapters, rng: random.Random, batch: int, length: int):
    """Endless batches [batch, length + 1] of packed documents, each `<s> document </s>`, a new order and a new
    way to cut the chapters every epoch."""
    encoded = {first: [[BOS, *sp.encode(text), EOS] for text in corpus.documents(chapters, first)]
               for first in range(corpus.VERSES_PER_DOCUMENT)}
    tokens, epoch = [], 0
    while True:
        order = list(encoded[epoch % corpus.VERSES_PER_DOCUMENT])
        rng.shuffle(order)
        for document in order:
            tokens += document
            while len(tokens) >= batch * (length + 1):
                yield torch.tensor(tokens[:batch * (length + 1)]).view(batch, length + 1)
                del tokens[:batch * (length + 1)]
        epoch += 1


# Step and fraction of the highest learning rate; straight lines between them.
RATES = [(0, 1.0), (1300, 0.0)]


def learning_rate(step: int) -> float:
    """Fraction of the highest rate: linear warm-up under the lines of RATES."""
    for (begin, high), (end, low) in zip(RATES, RATES[1:]):
        if step <= end:
            return min((step + 1) / 50, high + (low - high) * (step - begin) / (end - begin))
    return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, default=corpus.FOLDER / "checkpoint")
    parser.add_argument("--seed", type=int, default=1611)
    parser.add_argument("--vocabulary", type=int, default=2048)
    parser.add_argument("--hidden", type=int, default=192)
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--steps", type=int, default=RATES[-1][0], help="where the learning rate is zero, see RATES")
    parser.add_argument("--batch", type=int, default=16, help="sequences per step")
    parser.add_argument("--length", type=int, default=160, help="tokens per sequence")
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    random.seed(options.seed)
    numpy.random.seed(options.seed)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(True)

    train, held_out = corpus.split(corpus.chapters())
    model_bytes = train_tokenizer([verse for verses in train.values() for verse in verses], options.vocabulary)
    sp = sentencepiece.SentencePieceProcessor(model_proto=model_bytes)

    head = 32
    config = transformers.LlamaConfig(
        vocab_size=options.vocabulary, hidden_size=options.hidden, num_hidden_layers=options.layers,
        intermediate_size=options.hidden * 8 // 3, num_attention_heads=options.hidden // head,
        num_key_value_heads=options.hidden // head // 2, head_dim=head, max_position_embeddings=512,
        rms_norm_eps=1e-5, bos_token_id=BOS, eos_token_id=EOS, tie_word_embeddings=False)
    write_tokenizer(options.output, model_bytes, config.max_position_embeddings)
    model = transformers.LlamaForCausalLM(config)
    parameters = sum(p.numel() for p in model.parameters())
    held_out_tokens = [[BOS, *sp.encode(text), EOS] for text in corpus.documents(held_out)]
    held_out_bytes = sum(len(text.encode()) for text in corpus.documents(held_out))
    print(f"{parameters} parameters, {len(train)} chapters to train on, {held_out_bytes} bytes held out", flush=True)

    # Muon for the matrices inside the layers, AdamW for the embeddings, the head and the norms: on this few tokens
    # Muon needs far fewer of them for the same loss.
    inside = [p for name, p in model.named_parameters() if p.dim() == 2 and ".layers." in name]
    outside = [p for name, p in model.named_parameters() if p.dim() != 2 or ".layers." not in name]
    optimizers = [
        torch.optim.Muon(inside, lr=options.rate, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(outside, lr=options.rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.01)]
    schedules = [torch.optim.lr_scheduler.LambdaLR(optimizer, learning_rate) for optimizer in optimizers]

    def held_out_loss(limit: int) -> float:
        """Bits per byte of the first `limit` held-out documents, in rows padded to the longest."""
        total, size, texts = 0.0, 0, corpus.documents(held_out)
        with torch.no_grad():
            for begin in range(0, limit, 32):
                rows = held_out_tokens[begin:begin + 32]
                longest = max(map(len, rows))
                ids = torch.tensor([row + [EOS] * (longest - len(row)) for row in rows])
                targets = torch.tensor([row[1:] + [-100] * (longest - len(row)) for row in rows])
                logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
                total += torch.nn.functional.cross_entropy(
                    logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum").item()
                size += sum(len(text.encode()) for text in texts[begin:begin + 32])
        return total / math.log(2) / size

    began, spoken, running = time.monotonic(), time.monotonic(), 0.0
    source = batches(sp, train, random.Random(options.seed), options.batch, options.length)
    for step in range(options.steps):
        ids = next(source)
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for changing in (*optimizers, *schedules):
            changing.step()
        running = loss.item() if step == 0 else 0.95 * running + 0.05 * loss.item()
        if (step + 1) % 50 == 0:
            print(f"step {step + 1} loss {running:.4f} seconds {time.monotonic() - began:.0f}", flush=True)
        if (step + 1) % 400 == 0:
            print(f"  held out, 256 documents: {held_out_loss(256):.4f} bits/byte", flush=True)
    seconds = time.monotonic() - began

    model = model.to(torch.bfloat16)
    model.save_pretrained(options.output)
    (options.output / "model.safetensors").chmod(0o644)
    write_config(options.output, config)
    write_json(options.output / "training.json", {
        "seed": options.seed, "parameters": parameters,
        "steps": options.steps, "batch": options.batch, "length": options.length, "rate": options.rate,
        "tokens_seen": options.steps * options.batch * options.length, "seconds": round(seconds),
        "threads": options.threads, "machine": platform.machine(), "python": platform.python_version(),
        "torch": torch.__version__, "transformers": transformers.__version__,
        "sentencepiece": sentencepiece.__version__, "date": datetime.date.today().isoformat(),
    })


if __name__ == "__main__":
    main()
