#!/usr/bin/env python3
"""The CPU engine against llama.cpp with the same weights, interleaved in one run.

    Benchmarks/LlamaCpp/run.py --peer FOLDER [--quick] [--models 29m,1.1b] [--widths bf16,mxfp4,mxfp4-exact,fp8]
                               [--threads 1,2] [--tests prefill,decode,parallel,load] [--rounds 3] [--keep FOLDER]

FOLDER is what build.sh left. Both engines run models with the same random weights (Benchmarks/Llama/make_model.py,
make_gguf.py), in turn, --rounds times each; the best counts, because a shared machine disturbs some of them, and the
median stands beside it. Before anything is timed both engines generate 24 tokens greedily from the same prompt, and how
many are the same is printed; with bfloat16 weights on both sides the first 4 must be (later ones may part where two logits
are nearly equal, since the sums are taken in another order).

prefill    512 tokens into an empty cache, logits of the last. Ours: what lies between the first tokens of prompts that
           are computed one after the other, a step for each. Theirs: one llama_decode (as `llama-bench -p 512`).
decode     tokens/s of one sequence after a prompt of one token: 128 tokens (29m) or 32 (1.1b). Theirs as `llama-bench -n`:
           random tokens, nothing chosen; ours chooses the most probable each time.
parallel   4 to 32 sequences: all tokens/s while every sequence is generating, after prompts that are not timed: of 32
           tokens and followed by 128 steps (29m), of 8 and by 16 (1.1b). Theirs as llama-batched-bench, with a part of
           the cache for each.
load       seconds of a whole process that loads the model, computes one token and ends, files in the page cache; its peak
           memory: resident (ru_maxrss) and proportional (PSS, seen every 50 ms).

The cache has 16 bits on both sides (bfloat16 and float16). Embedding and head have 16 bits, too.

The limits are measured in the same run: reading memory right before and after each measurement (the machine's rate
changes; what was seen next to the best measurement counts), multiply-adds and dot products for each number of threads.
The share is the time that the limits allow, over the time taken: all weights but the embedding read once per step, the
operations of the linear layers at the peak of the arithmetic used. Cache and everything else are left out of the limits.

Standard library only. Prints Markdown. What cannot run is named with the reason. Full: about 20 minutes; --quick: 3.
"""

import argparse
import collections
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "Benchmarks", "Llama"))
sys.path.insert(0, HERE)

import make_gguf  # noqa: E402
import make_model  # noqa: E402
import random_weights  # noqa: E402
from engines import Limits, LlamaCpp, NotRun, Podium  # noqa: E402

# A width of ours: checkpoint, options of the plugin that must exist, arithmetic of its products, widths of theirs beside it.
Width = collections.namedtuple("Width", "checkpoint options arithmetic bits peers")
WIDTHS = {
    "bf16": Width("bfloat16", {}, "fma", 16, ["f16", "bf16"]),
    "mxfp4": Width("mxfp4", {"activations": "fast"}, "int8", 4.25, ["mxfp4", "q4_0"]),
    "mxfp4-exact": Width("mxfp4", {"activations": "exact"}, "int8", 4.25, ["mxfp4", "q4_0"]),
    "fp8": Width("fp8", {"activations": "fast"}, "fma", 8, ["q8_0"]),
}
NAMES = {"bf16": "BF16", "mxfp4": "MXFP4, fast", "mxfp4-exact": "MXFP4, exact", "fp8": "FP8, fast"}
# Theirs: bits of a weight in the layers, the arithmetic there and in the head (bf16: the machine's bfloat16 dot products).
PEERS = {"f16": (16, "fma", "fma"), "bf16": (16, "bf16", "bf16"), "q8_0": (8.5, "int8", "bf16"),
         "mxfp4": (4.25, "int8", "bf16"), "q4_0": (4.5, "int8", "bf16")}
# Steps of decode, prompt and steps of parallel, repetitions within one measurement.
Shape = collections.namedtuple("Shape", "steps prompt parallel_steps times")
SHAPES = {"29m": Shape(128, 32, 128, 2), "1.1b": Shape(32, 8, 16, 1)}
SEQUENCES = {"29m": [4, 8, 16, 32], "1.1b": [8, 32]}
PREFILL = 512

Seen = collections.namedtuple("Seen", "rate bandwidth")


class Model:
    """Sizes of a model, and what a step of it must read and compute."""

    def __init__(self, name):
        sizes = make_model.SIZES[name]
        shapes = list(make_model.tensors(sizes))
        self.name, self.vocabulary = name, sizes["vocab_size"]
        self.linear = sum(make_model.count(s) for n, s in shapes if make_model.is_linear(n))
        self.head = sizes["vocab_size"] * sizes["hidden_size"]

    def read(self, bits):
        """Bytes: the layers, and the head of 16 bits."""
        return self.linear * bits / 8 + self.head * 2

    def least(self, bits, arithmetic, head, rows, logits, bandwidth, peaks):
        """Seconds that a step of so many rows takes at least."""
        compute = 2 * rows * self.linear / peaks[arithmetic] + 2 * logits * self.head / peaks[head]
        return max(self.read(bits) / bandwidth, compute)


class Comparison:
    def __init__(self, arguments, keep):
        self.arguments, self.keep = arguments, keep
        self.limits = Limits(os.path.join(arguments.peer, "limits"))
        described = subprocess.run([arguments.host, "describe", "--plugin", arguments.plugin], capture_output=True, text=True)
        self.described = described.stdout
        if described.returncode != 0:
            sys.exit(described.stdout + described.stderr)
        self.peaks = {t: {} for t in arguments.threads}
        self.bandwidths = collections.defaultdict(list)

    def take_peaks(self, threads):
        """Peaks of arithmetic change little, but whoever else works here lowers what is seen: the highest counts."""
        peaks = self.peaks[threads]
        for kind in ("fma", "bf16", "int8"):
            peaks[kind] = max(peaks.get(kind, 0), self.limits.rate(kind, threads, 100))
        # Without an instruction for it, bfloat16 is widened and multiplied in float32.
        peaks["bf16"] = peaks["bf16"] or peaks["fma"]

    def has(self, option):
        return f"model_config.{option}\n" in self.described

    def ours(self, model, width):
        options = []
        for name, value in WIDTHS[width].options.items():
            if not self.has(name):
                raise NotRun(f"the plugin has no option {name}")
            options.append(f"model_config.{name}={value}")
        # The cache has 16 bits on both sides.
        options.append("model_config.kv_cache=bf16")
        checkpoint = WIDTHS[width].checkpoint
        folder = make_model.ensure(self.keep, model.name, checkpoint)
        return Podium(self.arguments.host, self.arguments.plugin, folder, options, model.vocabulary)

    def theirs(self, model, kind):
        path = os.path.join(self.keep, f"{model.name}-{kind}-v{random_weights.VERSION}.gguf")
        if not os.path.exists(path):
            make_gguf.write(model.name, kind, path)
        return LlamaCpp(os.path.join(self.arguments.peer, "llamacpp-driver"), path)

    def engines(self, model):
        """{key: engine} in the order of their turns, ours and theirs alternating; what cannot be is noted."""
        turns = []
        for width in self.arguments.widths:
            turns.append(("ours", width))
            turns.extend(("theirs", kind) for kind in WIDTHS[width].peers if ("theirs", kind) not in turns)
        found = {}
        for side, name in turns:
            try:
                engine = self.ours(model, name) if side == "ours" else self.theirs(model, name)
                engine.greedy(max(self.arguments.threads), 1, [1, 3, 5])
                found[side, name] = engine
            except NotRun as problem:
                print(f"\nnot run: {model.name}, {side} {name}: {problem}")
        return found

    def agree(self, model, engines):
        """Both engines' greedy tokens from one prompt."""
        prompt, new = [1, 500, 9000, 31, 77, 20000, 4, 321], 24
        tokens = {key: engine.greedy(2, new, prompt) for key, engine in engines.items()}
        for width in self.arguments.widths:
            for kind in WIDTHS[width].peers:
                mine, other = tokens.get(("ours", width)), tokens.get(("theirs", kind))
                if mine is None or other is None:
                    continue
                same = next((i for i, (a, b) in enumerate(zip(mine, other)) if a != b), new)
                print(f"- {model.name}: ours {NAMES[width]} and llama.cpp {kind.upper()} choose "
                      + ("the same" if same == new else f"the same {same} of") + f" {new} tokens")
                if width == "bf16" and kind == "bf16" and same < 4:
                    sys.exit(f"the two sides do not compute the same model: {mine} and {other}")

    def measure(self, model, engines, threads, title, action, tokens):
        """Everybody's turns at one thing: {key: [Seen]}."""
        seen = collections.defaultdict(list)
        for round_number in range(self.arguments.rounds):
            self.take_peaks(threads)
            before = self.limits.rate("read", threads)
            for key, engine in engines.items():
                if round_number > 0 and not seen[key]:
                    continue
                try:
                    seconds = action(engine)
                except NotRun as problem:
                    print(f"\nnot run: {title}, {' '.join(key)}: {problem}")
                    continue
                after = self.limits.rate("read", threads)
                bandwidth = max(before, after)
                self.bandwidths[threads].append(bandwidth)
                seen[key].extend(Seen(tokens / s, bandwidth) for s in seconds)
                before = after
        return seen

    def rows(self, model, threads, label, seen, rows, logits, tokens):
        """Prints the lines of one thing; returns the ratios of the best."""
        def cell(key, bits, arithmetic, head):
            best = max(seen[key])
            least = model.least(bits, arithmetic, head, rows, logits, best.bandwidth, self.peaks[threads])
            share = best.rate / tokens * least
            return (f"{best.rate:.1f} ({statistics.median(s.rate for s in seen[key]):.1f})", f"{share:.0%}", best.rate)

        for width in self.arguments.widths:
            if not seen.get(("ours", width)):
                continue
            mine = cell(("ours", width), WIDTHS[width].bits, WIDTHS[width].arithmetic, "fma")
            for kind in WIDTHS[width].peers:
                if not seen.get(("theirs", kind)):
                    continue
                other = cell(("theirs", kind), *PEERS[kind])
                print(f"| {model.name} | {threads} | {label} | {NAMES[width]} | {mine[0]} | {mine[1]} | {kind.upper()} "
                      f"| {other[0]} | {other[1]} | **{mine[2] / other[2]:.2f}** |", flush=True)

    def speed(self, model, engines):
        shape = SHAPES[model.name]
        for threads in self.arguments.threads:
            if "prefill" in self.arguments.tests:
                seen = self.measure(model, engines, threads, f"{model.name}, prefill",
                                    lambda engine: engine.prefill(threads, PREFILL, shape.times), PREFILL)
                self.rows(model, threads, f"prefill {PREFILL}", seen, PREFILL, 1, PREFILL)
            if "decode" in self.arguments.tests:
                seen = self.measure(model, engines, threads, f"{model.name}, decode",
                                    lambda engine: engine.decode(threads, 1, 1, shape.steps, shape.times), shape.steps)
                self.rows(model, threads, f"decode {shape.steps}", seen, 1, 1, 1)
            if "parallel" not in self.arguments.tests or threads != max(self.arguments.threads) and model.name != "29m":
                continue
            for count in self.arguments.sequences or SEQUENCES[model.name]:
                steps = shape.parallel_steps
                seen = self.measure(model, engines, threads, f"{model.name}, {count} sequences",
                                    lambda engine: engine.decode(threads, count, shape.prompt, steps, 1), steps * count)
                self.rows(model, threads, f"{count} sequences", seen, count, count, count)

    def load(self, model, engines):
        threads = max(self.arguments.threads)
        print("\n| model | | load and one token, s (median) | peak resident, MB | peak proportional, MB | file, MB |\n"
              "|---|---|---|---|---|---|")
        seen = collections.defaultdict(list)
        for _ in range(self.arguments.rounds):
            for key, engine in engines.items():
                try:
                    seen[key].append(engine.load(threads))
                except NotRun as problem:
                    print(f"not run: load of {' '.join(key)}: {problem}")
        for key, engine in engines.items():
            if not seen[key]:
                continue
            path = engine.folder + "/model.safetensors" if key[0] == "ours" else engine.path
            name = f"ours, {NAMES[key[1]]}" if key[0] == "ours" else f"llama.cpp, {key[1].upper()}"
            seconds = [s[0] for s in seen[key]]
            # A process that ends within 50 ms is not seen, or only as it starts.
            proportional = max(s[2] for s in seen[key])
            print(f"| {model.name} | {name} | {min(seconds):.2f} ({statistics.median(seconds):.2f}) | "
                  f"{max(s[1] for s in seen[key]) / 1e6:.0f} | {f'{proportional / 1e6:.0f}' if proportional > 1e6 else '-'} "
                  f"| {os.path.getsize(path) / 1e6:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="folder of build.sh")
    parser.add_argument("--host", default=os.path.join(ROOT, ".build/release/host"))
    parser.add_argument("--plugin", default="libLlama2.so")
    words = {"type": lambda text: text.split(",")}
    numbers = {"type": lambda text: [int(word) for word in text.split(",")]}
    parser.add_argument("--models", default=["29m", "1.1b"], **words)
    parser.add_argument("--widths", default=list(WIDTHS), **words)
    parser.add_argument("--threads", default=[1, 2], **numbers)
    parser.add_argument("--tests", default=["prefill", "decode", "parallel", "load"], **words)
    parser.add_argument("--sequences", help="numbers of sequences in parallel", **numbers)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="29m, the most threads, 8 and 32 sequences, no load")
    parser.add_argument("--keep", help="folder of the models, kept for the next time (12 GB)")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.models, arguments.threads, arguments.sequences = ["29m"], arguments.threads[-1:], [8, 32]
        arguments.tests = [t for t in arguments.tests if t != "load"]
    for given, known in ((arguments.models, SHAPES), (arguments.widths, WIDTHS)):
        for word in given:
            if word not in known:
                parser.error(f"{word} is none of {', '.join(known)}")
    with tempfile.TemporaryDirectory() as scratch, open(os.path.join(arguments.peer, "version.txt")) as version:
        comparison = Comparison(arguments, os.path.abspath(arguments.keep or scratch))
        print(f"llama.cpp: {version.read().strip()}, -march=native; best (median) of {arguments.rounds} alternating rounds; "
              f"load {os.getloadavg()[0]:.1f} at the start\n")
        for name in arguments.models:
            model = Model(name)
            engines = comparison.engines(model)
            comparison.agree(model, engines)
            print("\n| model | threads | | ours | tokens/s (median) | of limit | llama.cpp | tokens/s (median) | of limit | ratio |\n"
                  "|---|---|---|---|---|---|---|---|---|---|", flush=True)
            comparison.speed(model, engines)
            for engine in engines.values():
                engine.close()
            if "load" in arguments.tests and name == arguments.models[-1]:
                comparison.load(model, engines)
        print()
        for threads, rates in comparison.bandwidths.items():
            peaks = ", ".join(f"{name} {rate * 1e-9:.0f} Gop/s" for name, rate in comparison.peaks[threads].items())
            print(f"- limits, {threads} thread(s): reading {min(rates) * 1e-9:.1f} to {max(rates) * 1e-9:.1f} GB/s; {peaks}")
        print(f"- load {os.getloadavg()[0]:.1f} at the end")


main()
