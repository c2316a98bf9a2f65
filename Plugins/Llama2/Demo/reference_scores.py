#!/usr/bin/env python3
"""The scores of the demo model that other people's packages give: what Configs/demo_*.yaml state as reference.

transformers generates greedily (float32 arithmetic of the stored bfloat16 weights, at most 64 new tokens, at least one,
EOS stops), sentencepiece decodes, rouge_score 0.1.2 with its stemmer compares with the `reference` of each prompt. The
last line is the dict that MLPerf's evaluate-accuracy.py prints, with lines as sentences instead of Punkt's. With --log
the tokens are those of an accuracy log instead, and neither torch nor transformers is needed.

    venv/bin/pip install torch transformers sentencepiece rouge_score==0.1.2 nltk==3.8.1
    venv/bin/python reference_scores.py [--log mlperf_log_accuracy.json]
"""

import argparse
import json
import pathlib

import sentencepiece
from rouge_score import rouge_scorer

FOLDER = pathlib.Path(__file__).resolve().parent
BOS, EOS = 1, 2
TYPES = ["rouge1", "rouge2", "rougeL", "rougeLsum"]


def generated(folder: pathlib.Path, texts: list[str], most: int) -> list[list[int]]:
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    results = []
    for text in texts:
        ids = torch.tensor([[BOS, *tokenizer.encode(text)]])
        with torch.inference_mode():
            out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, min_new_tokens=1,
                                 max_new_tokens=most, eos_token_id=EOS, pad_token_id=EOS)
        results.append(out[0, ids.shape[1]:].tolist())
    return results


def logged(path: pathlib.Path) -> dict[int, list[int]]:
    import array

    results = {}
    for entry in json.loads(path.read_text()):
        ids = array.array("i", bytes.fromhex(entry["data"]))
        results.setdefault(entry["qsl_idx"], ids.tolist())
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=FOLDER / "checkpoint")
    parser.add_argument("--prompts", type=pathlib.Path, default=FOLDER / "prompts.jsonl")
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--log", type=pathlib.Path)
    options = parser.parse_args()
    prompts = [json.loads(line) for line in options.prompts.read_text(encoding="utf-8").splitlines()]
    if options.log:
        answers = logged(options.log)
    else:
        answers = dict(enumerate(
            generated(options.model, [prompt["text"] for prompt in prompts], options.max_new_tokens)))
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(options.model / "tokenizer.model"))
    scorer = rouge_scorer.RougeScorer(TYPES, use_stemmer=True)
    measures = {name: [] for name in TYPES}
    characters = tokens = 0
    for index, ids in answers.items():
        text = tokenizer.decode([token for token in ids if token > EOS]).strip()
        characters += len(text)
        tokens += len(ids)
        for name, score in scorer.score(prompts[index]["reference"].strip(), text).items():
            measures[name].append(score.fmeasure)
    result = {name: round(sum(values) / len(values) * 100, 4) for name, values in measures.items()}
    result |= {"gen_len": characters, "gen_num": len(answers), "gen_tok_len": tokens,
               "tokens_per_sample": round(tokens / len(answers), 1)}
    print(result)


if __name__ == "__main__":
    main()
