#!/usr/bin/env python3
"""What transformers generates greedily from the committed checkpoint: writes expected_greedy.json.

The stored bfloat16 weights, float32 arithmetic, the KV cache of transformers, one prompt at a time, EOS stops, at
most 64 new tokens. A prompt is kept if along its whole path the best two logits are more than --gap apart, so that
another order of summation (differences of some 1e-5) cannot change a token; the first --count such prompts of
--prompts are written.
"""

import argparse
import hashlib
import json
import pathlib

import sentencepiece
import torch
import transformers

import corpus

BOS, EOS = 1, 2
MOST_NEW_TOKENS = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=corpus.FOLDER / "checkpoint")
    parser.add_argument("--prompts", type=pathlib.Path, default=corpus.FOLDER / "prompts.jsonl")
    parser.add_argument("--output", type=pathlib.Path, default=corpus.FOLDER / "expected_greedy.json")
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    sp = sentencepiece.SentencePieceProcessor(model_file=str(options.model / "tokenizer.model"))
    kept, skipped = [], 0
    for line in options.prompts.read_text(encoding="utf-8").splitlines():
        text = json.loads(line)["text"]
        ids = tokenizer(text).input_ids
        if ids != [BOS, *sp.encode(text)]:
            raise SystemExit(f"tokenizer.json and tokenizer.model disagree on {text!r}")
        with torch.inference_mode():
            out = model.generate(
                torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False,
                max_new_tokens=MOST_NEW_TOKENS, eos_token_id=EOS, pad_token_id=EOS, use_cache=True,
                return_dict_in_generate=True, output_logits=True)
        new = out.sequences[0, len(ids):].tolist()
        best = torch.cat(out.logits).topk(2).values
        gap = (best[:, 0] - best[:, 1]).min().item()
        if gap <= options.gap:
            skipped += 1
            continue
        kept.append({"text": text, "ids": ids, "greedy": new,
                     "text_out": tokenizer.decode(new, skip_special_tokens=True), "min_top2_gap": gap})
        if len(kept) == options.count:
            break
    else:
        raise SystemExit(f"{options.prompts}: only {len(kept)} prompts with a gap above {options.gap}")
    weights = hashlib.sha256((options.model / "model.safetensors").read_bytes()).hexdigest()
    options.output.write_text(json.dumps({
        "weights_sha256": weights, "compute": "float32", "max_new_tokens": MOST_NEW_TOKENS, "eos_stops": True,
        "gap": options.gap, "skipped_for_the_gap": skipped, "torch": torch.__version__,
        "transformers": transformers.__version__, "prompts": kept}, indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8")
    ended = sum(prompt["greedy"][-1] == EOS for prompt in kept)
    print(f"{len(kept)} prompts kept, {skipped} skipped, {ended} ended by EOS, "
          f"smallest gap {min(prompt['min_top2_gap'] for prompt in kept):.4g}")


if __name__ == "__main__":
    main()
