#!/usr/bin/env python3
"""Scoring an accuracy log: `host accuracy` with the Llama 2 plugin beside rouge_score in Python.

    Benchmarks/Rouge/run.py --host .build/release/host --folder .build/benchmarks/rouge [--samples 24576] [--peer 512]

The log and its data set are made from the demo's corpus, some 290 tokens a side: the reference is a passage, the answer
shares about half of its verses. The host reads, hashes, decodes and scores the whole log; rouge_score scores already
decoded texts, in one process for each core, and is timed on the first --peer samples, since all of them take it minutes.
On those samples both must print the same scores. Needs python3 with venv; rouge_score 0.1.2, nltk 3.8.1 and
sentencepiece are installed into the folder.
"""

import argparse
import gzip
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "Plugins/Llama2/Demo"
PACKAGES = ["rouge_score==0.1.2", "nltk==3.8.1", "sentencepiece"]
TYPES = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
WORDS = 173  # with the end of the last verse some 290 tokens of the demo's tokenizer


def verses() -> list[str]:
    with gzip.open(DEMO / "corpus/kjv.txt.gz", "rt", encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t")[1] for line in file]


def pairs(count: int) -> list[tuple[str, str]]:
    """(reference, answer): the answer takes verses of the reference or of elsewhere, each with even chances."""
    generator = random.Random(20)
    text = verses()
    result = []
    for _ in range(count):
        start, words, passage = generator.randrange(len(text) - 40), 0, []
        while words < WORDS:
            passage.append(text[start + len(passage)])
            words += len(passage[-1].split())
        answer = [verse if generator.random() < 0.5 else generator.choice(text) for verse in passage]
        result.append(("\n".join(passage), "\n".join(answer)))
    return result


def write(folder: pathlib.Path, count: int) -> tuple[pathlib.Path, float]:
    """The data set and the log of `count` samples; tokens a sample on average."""
    import sentencepiece

    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(DEMO / "checkpoint/tokenizer.model"))
    place = folder / f"samples-{count}"
    place.mkdir(parents=True, exist_ok=True)
    tokens = 0
    made = pairs(count)
    with open(place / "samples.jsonl", "w", encoding="utf-8") as lines:
        for reference, _ in made:
            lines.write(json.dumps({"input_ids": [1, 5], "reference": reference}) + "\n")
    with open(place / "mlperf_log_accuracy.json", "w") as log:
        for number, (_, answer) in enumerate(made):
            ids = tokenizer.encode(answer)
            tokens += len(ids)
            data = struct.pack(f"<{len(ids)}i", *ids).hex().upper()
            log.write(("[\n" if number == 0 else ",\n")
                      + f'{{ "seq_id" : {number}, "qsl_idx" : {number}, "data" : "{data}", "token_count" : {len(ids)} }}')
        log.write("\n]\n")
    return place, tokens / count


def host(program: pathlib.Path, place: pathlib.Path) -> tuple[float, int, str]:
    """Seconds, peak memory in MiB and the line of scores."""
    command = [program, "accuracy", "--plugin", "libLlama2.so", "--model", DEMO / "checkpoint", "--dataset",
               place / "samples.jsonl", "--run", place]
    start = time.perf_counter()
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) not in (0, 2):
        sys.exit(f"host accuracy: {errors.decode()}")
    return seconds, usage.ru_maxrss // 1024, (place / "accuracy.txt").read_text().splitlines()[0]


def score(part: list[tuple[str, str]]) -> list[dict[str, float]]:
    from rouge_score import rouge_scorer

    scorer = rouge_scorer.RougeScorer(TYPES, use_stemmer=True)
    return [{name: value.fmeasure for name, value in scorer.score(reference.strip(), answer.strip()).items()}
            for reference, answer in part]


def peer(place: pathlib.Path, count: int) -> tuple[float, str]:
    import array
    import multiprocessing

    import sentencepiece

    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(DEMO / "checkpoint/tokenizer.model"))
    references = [json.loads(line)["reference"] for line in open(place / "samples.jsonl", encoding="utf-8")]
    log = json.loads((place / "mlperf_log_accuracy.json").read_text())
    texts = [(references[entry["qsl_idx"]], tokenizer.decode(array.array("i", bytes.fromhex(entry["data"])).tolist()))
             for entry in log[:count]]
    cores = os.cpu_count() or 1
    size = -(-count // cores)
    with multiprocessing.Pool(cores) as pool:
        pool.map(score, [texts[:1]] * cores)  # imports are not timed
        start = time.perf_counter()
        results = sum(pool.map(score, [texts[n:n + size] for n in range(0, count, size)], chunksize=1), [])
        seconds = time.perf_counter() - start
    means = {name: round(sum(result[name] for result in results) / count * 100, 4) for name in TYPES}
    return seconds, str(means)[:-1]


def inside(folder: pathlib.Path) -> None:
    """Goes on in a Python that has the packages."""
    python = folder / "venv/bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    if subprocess.run([python, "-c", "import rouge_score, sentencepiece"], capture_output=True).returncode != 0:
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True, stdout=sys.stderr)
    if pathlib.Path(sys.prefix).resolve() != (folder / "venv").resolve():
        os.execv(python, [str(python), __file__, *sys.argv[1:]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", type=pathlib.Path, required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--samples", type=int, default=24576)
    parser.add_argument("--peer", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    inside(options.folder)
    small, _ = write(options.folder, options.peer)
    peer_seconds, peer_scores = peer(small, options.peer)
    _, small_memory, scores = host(options.host, small)
    if not scores.startswith(peer_scores):
        sys.exit(f"the scores differ:\n  rouge_score {peer_scores}\n  host        {scores}")
    place, tokens = write(options.folder, options.samples)
    runs = [host(options.host, place) for _ in range(options.rounds)]
    times = sorted(run[0] for run in runs)
    size = (place / "mlperf_log_accuracy.json").stat().st_size
    scaled = peer_seconds * options.samples / options.peer
    median = times[len(times) // 2]
    print(f"{options.samples} samples of {tokens:.0f} tokens, log {size / 2**20:.0f} MiB, {os.cpu_count()} cores")
    print(f"same scores as rouge_score on {options.peer} samples: {peer_scores}}}")
    print(f"host accuracy   median {median:.2f} s, best {times[0]:.2f} s, {options.samples / median:.0f} samples/s, "
          f"peak {max(run[1] for run in runs)} MiB ({small_memory} MiB for {options.peer} samples)")
    print(f"rouge_score     {peer_seconds:.2f} s for {options.peer} samples, {scaled:.0f} s for all at that rate")
    print(f"ratio           {scaled / median:.0f}x")


if __name__ == "__main__":
    main()
