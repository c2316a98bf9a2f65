#!/usr/bin/env python3
"""Prefill and decode speed of the Llama2 plugin on the CPU, end to end through the host.

    Benchmarks/Llama/run.py [--host .build/release/host] [--kernels .build/release/KernelBenchmark]
                            [--models 29m,1.1b] [--types bfloat16,float32] [--threads 1,2] [--keep FOLDER]

Each model has random weights (make_model.py) and runs SingleStream: four prompts of 512 tokens, 33 tokens generated for
each. The time to the first token gives prefill tokens/s, the time per output token gives decode tokens/s at one sequence
and 512 to 545 positions. The best of the four counts, because a shared machine disturbs most of them; the median stands
beside it. Decode is compared with the rate at which this machine reads memory (every weight but the embedding is read
once for a token), prefill with its rate of fused multiply-adds; KernelBenchmark measures both in the same run.

Standard library only. Prints a Markdown table. Wants an idle machine: the limits leave out the time that other processes
take, the runs of the host cannot.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import make_model

PROMPT, NEW = 512, 33


def limits(program):
    """Read rate in bytes/s and multiply-add rate in FLOP/s, for 1 and 2 threads; the program goes on to kernels."""
    found = {}
    with subprocess.Popen(["stdbuf", "-oL", program, "0.5"], stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        for line in process.stdout:
            match = re.match(r"\| (read|fused).*\| ([\d.]+) \| ([\d.]+) \|", line)
            if match:
                found[match[1]] = {1: float(match[2]) * 1e9, 2: float(match[3]) * 1e9}
            if len(found) == 2:
                break
        process.kill()
    return found


def weights(folder):
    """Bytes read for one token, and parameters that a prompt token is multiplied with (the head: once per prompt)."""
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    read = sum(t["data_offsets"][1] - t["data_offsets"][0] for n, t in header.items() if "embed_tokens" not in n)
    multiplied = sum(t["shape"][0] * t["shape"][1] for n, t in header.items() if "layers" in n and len(t["shape"]) == 2)
    return read, multiplied


def measure(host, folder, threads):
    """(best, median) of the time to the first token and of the time per output token, in seconds."""
    with tempfile.TemporaryDirectory() as output:
        conf = os.path.join(output, "user.conf")
        with open(conf, "w") as file:
            file.write("*.*.performance_sample_count_override = 4\n*.SingleStream.min_duration = 0\n"
                       "*.SingleStream.min_query_count = 4\n*.SingleStream.max_query_count = 4\n"
                       "*.SingleStream.target_latency = 1000\n")
        command = [
            host, "--plugin", "libLlama2.so", "--scenario", "singlestream", "--model", folder, "--dataset",
            os.path.join(folder, "prompts.jsonl"), "--user-conf", conf, f"threads={threads}",
            f"harness_config.output_log_dir={output}/logs", f"model_config.max_new_tokens={NEW}",
            "model_config.stop_at_eos=false", "model_config.max_batch=1", "model_config.prefill_chunk=256",
        ]
        run = subprocess.run(command, capture_output=True, text=True)
        summary = ""
        for place, _, files in os.walk(output):
            if "mlperf_log_summary.txt" in files:
                with open(os.path.join(place, "mlperf_log_summary.txt")) as file:
                    summary = file.read()
        def value(pattern):
            match = re.search(pattern + r"\s*: (\d+)", summary)
            if not match:
                sys.exit(f"{' '.join(command)}\n{run.stdout}{run.stderr}\nno {pattern!r} in the summary")
            return int(match[1]) * 1e-9
        return ((value(r"Min First Token latency \(ns\)"), value(r"50.00 percentile first token latency \(ns\)")),
                (value(r"Min Time per Output Token \(ns\)"), value(r"50.00 percentile time to output token \(ns\)")))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default=".build/release/host")
    parser.add_argument("--kernels", default=".build/release/KernelBenchmark")
    parser.add_argument("--models", default="29m,1.1b")
    parser.add_argument("--types", default="bfloat16,float32")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--keep", help="folder for the models, kept for the next time")
    arguments = parser.parse_args()
    limit = limits(arguments.kernels)
    for kind, unit in (("read", "GB/s"), ("fused", "GFLOP/s")):
        print(f"{kind}: " + ", ".join(f"{t} threads {v / 1e9:.1f} {unit}" for t, v in limit[kind].items()))
    print("\n| model | type | threads | prefill tokens/s (median) | of FMA rate | decode tokens/s (median) | of read rate |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for model in arguments.models.split(","):
            for dtype in arguments.types.split(","):
                folder = make_model.ensure(arguments.keep or scratch, model, dtype)
                read, multiplied = weights(folder)
                for threads in map(int, arguments.threads.split(",")):
                    first, each = measure(arguments.host, folder, threads)
                    share = 2 * multiplied * PROMPT / first[0] / limit["fused"][min(threads, 2)]
                    bandwidth = read / each[0] / limit["read"][min(threads, 2)]
                    print(f"| {model} | {dtype} | {threads} | {PROMPT / first[0]:.1f} ({PROMPT / first[1]:.1f}) "
                          f"| {share:.0%} | {1 / each[0]:.1f} ({1 / each[1]:.1f}) | {bandwidth:.0%} |", flush=True)


main()
