#!/usr/bin/env python3
"""What quantisation costs in accuracy: the demo model in MXFP4 and FP8 beside the bfloat16 original.

    Benchmarks/Accuracy/run.py [--host .build/release/host] [--logits .build/release/LogitBenchmark] [--folder FOLDER]

`host quantize` makes the checkpoints, calibrated with documents of the chapters that the model was trained on. Then
each form, a checkpoint with a choice of activations and KV cache, is measured twice, with text of held-out chapters:

- teacher-forced along documents by LogitBenchmark: difference of the logits, divergence, bits per byte;
- in an accuracy run of `host` that answers prompts, scored by `host accuracy`: ROUGE, and the agreement of the tokens
  with those of the original.

What FOLDER holds of an earlier call is made anew. Standard library only. Prints two Markdown tables.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "Plugins/Llama2/Demo"
sys.path.insert(0, str(DEMO))

import corpus  # noqa: E402

CALIBRATION = 128
CHECKPOINTS = {
    "FP8": ["--scheme", "fp8"],
    "FP8, outputs too": ["--scheme", "fp8_o"],
    "MXFP4, GPTQ": ["--scheme", "mxfp4"],
    "MXFP4, rounded": ["--scheme", "mxfp4", "--method", "rtn"],
}
# Checkpoint, activations, KV cache; the first is what the others are compared with.
FORMS = [
    ("bfloat16", "exact", "f32"),
    ("bfloat16", "exact", "bf16"),
    ("FP8", "exact", "fp8"),
    ("FP8", "exact", "bf16"),
    ("FP8", "fast", "fp8"),
    ("FP8, outputs too", "exact", "fp8"),
    ("MXFP4, GPTQ", "exact", "fp8"),
    ("MXFP4, GPTQ", "exact", "bf16"),
    ("MXFP4, GPTQ", "fast", "fp8"),
    ("MXFP4, GPTQ", "fast", "bf16"),
    ("MXFP4, rounded", "exact", "fp8"),
    ("MXFP4, rounded", "fast", "fp8"),
]
# Samples are scored in so many parts, too, for the error of the mean.
PARTS = 16
ROUGE = ["rouge1", "rouge2", "rougeL"]


def call(command, statuses=(0,)):
    """The standard output of a command that ends with one of these statuses."""
    result = subprocess.run([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                            capture_output=True)
    if result.returncode not in statuses:
        sys.exit(f"{' '.join(map(str, command))}\nended with status {result.returncode}: "
                 f"{result.stdout[-400:]}{result.stderr[-800:]}")
    return result.stdout


def write_lines(path, texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")


def spread(documents, count):
    """So many of them, evenly spaced."""
    count = min(count, len(documents))
    return [documents[n * len(documents) // count] for n in range(count)]


def checkpoints(host, folder):
    """Quantises the demo model; every checkpoint's folder by name."""
    train, _ = corpus.split(corpus.chapters())
    calibration = folder / "calibration.jsonl"
    write_lines(calibration, spread(corpus.documents(train), CALIBRATION))
    folders = {"bfloat16": DEMO / "checkpoint"}
    for name, words in CHECKPOINTS.items():
        folders[name] = folder / name.lower().replace(", ", "-").replace(" ", "-")
        if folders[name].exists():
            shutil.rmtree(folders[name])
        call([host, "quantize", "--plugin", "libLlama2.so", "--model", DEMO / "checkpoint", "--output", folders[name],
              "--calibration", calibration, *words])
    return folders


def answers(host, model, activations, cache, prompts, logs):
    """Tokens by sample, figures of `host accuracy`, and the same figures of each part of the samples by itself."""
    settings = ["--plugin", "libLlama2.so", "--config-path", "Plugins/Llama2/Configs", "--config-name", "demo_offline",
                "--model", model, "--dataset", prompts, f"model_config.activations={activations}",
                f"model_config.kv_cache={cache}"]
    call([host, *settings, "test_mode=accuracy", f"harness_config.output_log_dir={logs}"])

    def figures(folder):
        # The configuration's targets are those of its own prompts: status 2, a target is missed, says nothing here.
        report = json.loads(call([host, "accuracy", *settings, "--run", folder, "--json"], statuses=(0, 2)))
        return {metric["name"]: metric["value"] for metric in report["metrics"]}

    log = json.loads((logs / "mlperf_log_accuracy.json").read_text())
    tokens, parts = {}, []
    for entry in log:
        data = bytes.fromhex(entry["data"])
        tokens[entry["qsl_idx"]] = [data[n:n + 4] for n in range(0, len(data), 4)]
    for number in range(PARTS):
        part = logs / f"part-{number}"
        part.mkdir(exist_ok=True)
        entries = [entry for entry in log if entry["qsl_idx"] % PARTS == number]
        (part / "mlperf_log_accuracy.json").write_text(json.dumps(entries))
        parts.append(figures(part))
    return tokens, figures(logs), parts


def agreement(expected, found):
    """Shares: samples that are identical; tokens before the first difference; positions with the same token. A position
    that only one of the two answers has counts as a difference."""
    identical = before = same = positions = 0
    for index, left in expected.items():
        right = found[index]
        length = max(len(left), len(right))
        equal = [a == b for a, b in zip(left, right)]
        first = equal.index(False) if False in equal else len(equal)
        identical += left == right
        before += first / length
        same += sum(equal)
        positions += length
    return identical / len(expected), before / len(expected), same / positions


def against(name, scores, parts, reference):
    """A score, its share of the original's, and the standard error of that share from the differences in each part."""
    score, original = scores[name], reference[0][name]
    differences = [part[name] - other[name] for part, other in zip(parts, reference[1])]
    error = statistics.stdev(differences) / len(differences) ** 0.5
    return f"{score:.2f} ({score / original * 100:.1f}% ± {error / original * 100:.1f})"


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", type=Path, default=ROOT / ".build/release/host")
    parser.add_argument("--logits", type=Path, default=ROOT / ".build/release/LogitBenchmark")
    parser.add_argument("--folder", type=Path, default=ROOT / ".build/benchmarks/accuracy")
    parser.add_argument("--documents", type=int, default=823, help="held-out documents for the logits, of 823")
    parser.add_argument("--prompts", type=int, default=1536, help="held-out prompts; the first 256 are the demo's")
    options = parser.parse_args()
    host, logits, folder = options.host.absolute(), options.logits.absolute(), options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)

    folders = checkpoints(host, folder)
    _, held_out = corpus.split(corpus.chapters())
    documents = spread(corpus.documents(held_out), options.documents)
    size = sum(len(document.encode()) for document in documents)
    write_lines(folder / "held-out.jsonl", documents)
    prompts = folder / "prompts.jsonl"
    call([sys.executable, DEMO / "make_prompts.py", "--count", options.prompts, "--seed", 1, "--held-out",
          "--output", prompts])

    names = [[name, activations if name != "bfloat16" else "-", cache] for name, activations, cache in FORMS]
    lines = call([logits, folder / "held-out.jsonl",
                  *(f"{folders[name]},{activations},{cache}" for name, activations, cache in FORMS)]).splitlines()
    figures = [json.loads(line) for line in lines]
    print(f"Logits, teacher-forced along {len(documents)} held-out documents ({figures[0]['tokens']} tokens, "
          f"{size} bytes):\n")
    table(["weights", "activations", "KV cache", "logit error, %", "divergence, nats", "same best token, %",
           "bits per byte"],
          [[*form, f"{figure['rms'] * 100:.2f}", f"{figure['divergence']:.5f}", f"{figure['same_best'] * 100:.2f}",
            f"{figure['bits'] / size:.4f}"] for form, figure in zip(names, figures)])

    rows = []
    for number, (form, (name, activations, cache)) in enumerate(zip(names, FORMS)):
        tokens, scores, parts = answers(host, folders[name], activations, cache, prompts, folder / f"run-{number}")
        if number == 0:
            expected, reference = tokens, (scores, parts)
        shares = agreement(expected, tokens)
        rows.append([*form, *(f"{share * 100:.1f}" for share in shares),
                     *(against(measure, scores, parts, reference) for measure in ROUGE),
                     f"{scores['tokens_per_sample']:.1f}"])
    print(f"\nGreedy answers of at most 64 tokens to {options.prompts} held-out prompts:\n")
    table(["weights", "activations", "KV cache", "identical answers, %", "tokens before the first difference, %",
           "same tokens, %", "ROUGE-1", "ROUGE-2", "ROUGE-L", "tokens per answer"], rows)


if __name__ == "__main__":
    main()
