#!/usr/bin/env python3
"""Compares the tokens that Llama generates on a device with those that transformers generates greedily.

usage: gpu_golden.py HOST DEVICE FOLDER CHECKPOINT

CHECKPOINT is a golden checkpoint with its expected.json, or the demo model's folder with expected_greedy.json.  An accuracy run
writes to FOLDER; the tokens in its log must be the expected ones, every one of them."""

import json
import subprocess
import sys
from pathlib import Path

host, device, folder, checkpoint = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
is_demo = (checkpoint / "expected_greedy.json").exists()
if is_demo:
    model, expected = checkpoint / "checkpoint", json.loads((checkpoint / "expected_greedy.json").read_text())
    # A sample of one token is an error to LoadGen.
    prompts = [p for p in expected["prompts"] if len(p["greedy"]) > 1]
    samples = [{"text": p["text"]} for p in prompts]
    options = {"max_new_tokens": expected["max_new_tokens"], "min_new_tokens": 0, "max_batch": 8, "prefill_chunk": 64}
else:
    model, expected = checkpoint, json.loads((checkpoint / "expected.json").read_text())
    prompts = expected["prompts"]
    samples = [{"input_ids": p["ids"]} for p in prompts]
    options = {"stop_at_eos": "false", "min_new_tokens": 0, "max_new_tokens": max(len(p["greedy"]) for p in prompts)}

name = str(checkpoint).replace("/", "_")
dataset = folder / f"{name}.jsonl"
dataset.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
output = folder / name
command = [host, "--plugin", "libLlama2.so", "--model", str(model), "--dataset", str(dataset), "--scenario", "offline",
           "--mode", "accuracy", "--device", device, "--output", str(output)]
command += [f"model_config.{key}={value}" for key, value in options.items()]
print("+", " ".join(command), flush=True)
status = subprocess.run(command).returncode
if status:
    sys.exit(status)
wrong = total = 0
seen = set()
for entry in json.loads((output / "mlperf_log_accuracy.json").read_text()):
    data = bytes.fromhex(entry["data"])
    tokens = [int.from_bytes(data[at : at + 4], "little", signed=True) for at in range(0, len(data), 4)]
    wanted = prompts[entry["qsl_idx"]]["greedy"]
    seen.add(entry["qsl_idx"])
    if not is_demo:
        tokens = tokens[: len(wanted)]
    total += len(wanted)
    wrong += sum(a != b for a, b in zip(tokens, wanted)) + abs(len(tokens) - len(wanted))
missing = len(prompts) - len(seen)
print(f"{total} tokens of {len(seen)} prompts, {wrong} differ from transformers', {missing} prompts without an answer")
sys.exit(1 if wrong or missing else 0)
