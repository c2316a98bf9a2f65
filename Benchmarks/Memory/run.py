#!/usr/bin/env python3
"""Peak memory of a run of the Llama2 plugin, beside the size of its weights and of its KV cache.

    Benchmarks/Memory/run.py [--host .build/release/host] [--models 29m,1.1b] [--types bfloat16,float32] [--keep FOLDER]

Peak memory is the kernel's figure for the process (ru_maxrss), which counts mapped pages of the weights like any other.
The rest is what is neither weights nor KV cache: program, tokenizer, activations. Were weights held twice, it would be as
large as they are. The checkpoints are random ones of Benchmarks/Llama/make_model.py; the demo model is the project's own.

Standard library only. Prints a Markdown table.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Benchmarks/Llama"))

import make_model  # noqa: E402

CACHE_TOKENS = 2048


def peak(command):
    """Peak resident bytes of a command, which must end with 0 or 2 (an invalid result: the run is short)."""
    with tempfile.TemporaryFile(mode="w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode not in (0, 2) or "log file" not in text:
        sys.exit(f"{' '.join(map(str, command))}\nended with status {process.returncode}: {text[-600:]}")
    return usage.ru_maxrss * 1024


def cache_bytes(folder, tokens):
    config = json.loads((folder / "config.json").read_text())
    heads = config["num_attention_heads"]
    size = config.get("head_dim") or config["hidden_size"] // heads
    # Keys and values are float32.
    return 2 * 4 * tokens * config["num_hidden_layers"] * config.get("num_key_value_heads", heads) * size


def row(name, command, folder, scratch):
    logs = f"harness_config.output_log_dir={scratch}/logs"
    total = peak(command + [logs, f"model_config.kv_cache_tokens={CACHE_TOKENS}"])
    weights = sum(f.stat().st_size for f in folder.glob("*.safetensors"))
    cache = cache_bytes(folder, CACHE_TOKENS)
    rest = total - weights - cache
    print(f"| {name} | {weights / 1e6:.1f} | {cache / 1e6:.1f} | {total / 1e6:.1f} | {rest / 1e6:.1f} "
          f"| {total / (weights + cache):.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default=str(ROOT / ".build/release/host"))
    parser.add_argument("--models", default="29m,1.1b")
    parser.add_argument("--types", default="bfloat16,float32")
    parser.add_argument("--keep", help="folder of the random models, kept for the next time")
    arguments = parser.parse_args()
    host = str(Path(arguments.host).absolute())
    print(f"KV cache of {CACHE_TOKENS} tokens; all figures in MB\n")
    print("| model | weights | KV cache | peak | the rest | peak/(weights + KV) |\n|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        row("demo, demo_offline", [host, "--plugin", "libLlama2.so", "--config-path", "Plugins/Llama2/Configs",
                                   "--config-name", "demo_offline", "harness_config.duration_sec=1"],
            ROOT / "Plugins/Llama2/Demo/checkpoint", scratch)
        conf = Path(scratch) / "user.conf"
        conf.write_text("*.*.performance_sample_count_override = 4\n*.Offline.min_duration = 1\n"
                        "*.Offline.min_query_count = 4\n*.Offline.target_qps = 1\n")
        for model in arguments.models.split(","):
            for dtype in arguments.types.split(","):
                folder = Path(make_model.ensure(arguments.keep or scratch, model, dtype))
                row(f"{model} {dtype}, Offline, 4 x (512 + 8)",
                    [host, "--plugin", "libLlama2.so", "--scenario", "offline", "--model", str(folder), "--dataset",
                     str(folder / "prompts.jsonl"), "--user-conf", str(conf), "model_config.max_new_tokens=8",
                     "model_config.stop_at_eos=false", "model_config.max_batch=4", "model_config.prefill_chunk=256"],
                    folder, scratch)


main()
