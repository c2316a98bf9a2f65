#!/usr/bin/env python3
"""The host's own cost per sample beside that of the official LoadGen, with systems that complete every sample at once.

    Benchmarks/LoadGen/compare.py [--host .build/release/host] [--official .build/benchmarks/loadgen/official]
                                  [--rounds 7] [--scale 1] [--no-rate]

Both read the same user.conf: the same number of queries, the same library, no minimum time. Ours goes through everything
that a real workload goes through: libNull.so is loaded as a plugin, and issue, first_token and complete cross the C
tables. The official side is official.cc, linked with LoadGen and called directly. Runs of the two alternate, each in a
process of its own, and the order changes every round.

Two costs are taken:
  issue  nanoseconds per sample from the start of the test to the last completion, as each LoadGen logs it
  CPU    processor time of the whole process, all threads, from the plan to the written logs: the difference between a
         run of all samples and a run of a tenth of them, so that starting the process does not count. Little disturbed
         by what else the machine does.
In Server all queries are due at once, so that the cost of a query is the rate that is reached.

At the end: the highest Poisson rate in Server at which the 99th percentile of latency stays within 10 ms for 2 s.
Exit status 2 and a reason on stderr where it cannot run. Standard library only.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

LIBRARY = 24576
BENCHMARK = "issue"  # a name that mlperf.conf has no rules for
TOKENS = 100
# Samples of a run: about a second of the slower side.
SAMPLES = {"SingleStream": 1_000_000, "MultiStream": 1_600_000, "Server": 1_000_000, "Offline": 4_000_000}
LIMIT_NS = 10_000_000
RATE_SECONDS = 2


def configuration(samples, tokens, target_qps, duration_ms):
    # Queries of MultiStream hold eight samples; Offline's one query holds the least number.
    lines = [
        f"*.*.min_duration = {duration_ms}",
        f"*.*.min_query_count = {samples}",
        f"*.MultiStream.min_query_count = {samples // 8}",
        # Fewest pregenerated queries: far fewer than the least number, which then decides.
        "*.SingleStream.target_latency = 1000",
        "*.MultiStream.target_latency = 1000",
        "*.Offline.target_qps = 1",
        f"*.Server.target_qps = {target_qps}",
        "*.Server.target_latency = 10",
        f"*.*.use_token_latencies = {1 if tokens else 0}",
    ]
    if tokens:
        lines += ["*.Server.ttft_latency = 2000", "*.Server.tpot_latency = 200"]
    return "\n".join(line.replace("*.", BENCHMARK + ".", 1) for line in lines) + "\n"


def read_log(folder):
    found = {}
    with open(folder / "mlperf_log_detail.txt") as file:
        for line in file:
            if '"result_' in line or '"power_' in line:
                entry = json.loads(line[line.index("{"):])
                found.setdefault(entry["key"], entry["value"])
    return found


class Side:
    """One of the two programs."""

    def __init__(self, name, command):
        self.name, self.command = name, command

    def run(self, scenario, samples, tokens, target_qps=10_000_000, duration_ms=1):
        """(what the log says, processor seconds, peak bytes)"""
        with tempfile.TemporaryDirectory() as place:
            place = Path(place)
            logs = place / "logs"
            logs.mkdir()
            (place / "user.conf").write_text(configuration(samples, tokens, target_qps, duration_ms))
            with open(place / "output", "w") as output:
                process = subprocess.Popen(
                    self.command(scenario, str(place / "user.conf"), str(logs), tokens), stdout=output, stderr=output,
                    stdin=subprocess.DEVNULL)
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            # 2: the result is INVALID, as it must be where all queries are due at once; the log counts.
            if process.returncode not in (0, 2) or not (logs / "mlperf_log_detail.txt").exists():
                fail(f"{self.name} ended with status {process.returncode} in {scenario}: "
                     + (place / "output").read_text()[-400:])
            return read_log(logs), usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def fail(reason):
    print(reason, file=sys.stderr)
    sys.exit(2)


def issue_cost(scenario, samples, log):
    """Nanoseconds per sample of the timed part."""
    if scenario == "MultiStream":
        # No rate is logged; these two have a resolution of a millisecond.
        begin, end = (datetime.strptime(log[k], "%m-%d-%Y %H:%M:%S.%f") for k in ("power_begin", "power_end"))
        return (end - begin).total_seconds() * 1e9 / samples
    key = {"SingleStream": "result_qps_with_loadgen_overhead", "Server": "result_completed_samples_per_sec",
           "Offline": "result_samples_per_second"}[scenario]
    return 1e9 / float(log[key])


def compare(sides, rounds, scale, tokens):
    """Per scenario and side: lists of issue and CPU cost, and of peak memory."""
    costs = {(s, side.name): ([], [], []) for s in SAMPLES for side in sides}
    for turn in range(rounds):
        for scenario, full in SAMPLES.items():
            samples = int(full * scale) // 80 * 80
            for side in sides if turn % 2 == 0 else reversed(sides):
                log, processor, memory = side.run(scenario, samples, tokens)
                _, start, _ = side.run(scenario, samples // 10, tokens)
                issue, cpu, peak = costs[scenario, side.name]
                issue.append(issue_cost(scenario, samples, log))
                cpu.append(max(0.0, processor - start) * 1e9 / (samples - samples // 10))
                peak.append(memory)
        print(f"round {turn + 1} of {rounds}{', with tokens' if tokens else ''}", file=sys.stderr, flush=True)
    return costs


def cell(values):
    return f"{statistics.median(values):.0f} ({min(values):.0f}-{max(values):.0f})"


def report(sides, costs, tokens):
    ours, theirs = sides[1].name, sides[0].name
    print(f"\n{'With' if tokens else 'Without'} tokens{f' ({TOKENS} for each sample, and a first token)' if tokens else ''}: "
          "ns per sample, median (least-greatest)\n")
    print("| scenario | issue, official | issue, host | host/official | best/best | host samples/s "
          "| CPU, official | CPU, host | host/official | peak MB, official, host |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for scenario in SAMPLES:
        (a, x, m), (b, y, n) = costs[scenario, theirs], costs[scenario, ours]
        middle, other = statistics.median(a), statistics.median(b)
        processor = f"{statistics.median(y) / statistics.median(x):.2f}" if statistics.median(x) > 0 else "-"
        print(f"| {scenario} | {cell(a)} | {cell(b)} | {other / middle:.2f} | {min(b) / min(a):.2f} "
              f"| {1e9 / other / 1e6:.2f} M | {cell(x)} | {cell(y)} | {processor} "
              f"| {statistics.median(m) / 1e6:.0f}, {statistics.median(n) / 1e6:.0f} |", flush=True)


def holds(side, rate):
    """Whether a run at this rate stays within the limit."""
    log, _, _ = side.run("Server", int(rate * RATE_SECONDS), 0, target_qps=rate, duration_ms=RATE_SECONDS * 1000)
    return int(log["result_99.00_percentile_latency_ns"]) <= LIMIT_NS


def highest_rates(sides):
    """Climbs in steps of a quarter; a side is out when five runs at a rate fail. Both sides take every try in turn."""
    best, out, rate = {side.name: 0 for side in sides}, set(), 50_000
    while len(out) < len(sides) and rate < 10_000_000:
        waiting = [side for side in sides if side.name not in out]
        for _ in range(5):
            for side in list(waiting):
                if holds(side, rate):
                    best[side.name] = rate
                    waiting.remove(side)
        out.update(side.name for side in waiting)
        rate = int(rate * 1.25)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default=".build/release/host")
    parser.add_argument("--official", default=".build/benchmarks/loadgen/official")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1, help="share of the samples of a full run; for trying out")
    parser.add_argument("--no-rate", action="store_true", help="leaves out the highest Server rate")
    parser.add_argument("--only-rate", action="store_true", help="leaves out the costs")
    arguments = parser.parse_args()
    for program in (arguments.host, arguments.official, os.path.join(os.path.dirname(arguments.host), "libNull.so")):
        if not os.path.exists(program):
            fail(f"there is no {program}")

    def official(scenario, conf, logs, tokens):
        return [arguments.official, scenario, conf, logs, str(LIBRARY), str(tokens)]

    def host(scenario, conf, logs, tokens):
        return [arguments.host, "--plugin", "libNull.so", f"scenario={scenario}", f"benchmark_name={BENCHMARK}",
                f"harness_config.user_conf_path={conf}", f"harness_config.output_log_dir={logs}",
                f"model_config.samples={LIBRARY}", f"model_config.tokens={tokens}"]

    sides = [Side("official", official), Side("host", host)]
    print(f"{arguments.rounds} rounds, load average at the start {os.getloadavg()[0]:.1f}")
    for tokens in () if arguments.only_rate else (0, TOKENS):
        costs = compare(sides, arguments.rounds, arguments.scale, tokens)
        report(sides, costs, tokens)
    if not arguments.no_rate:
        print(f"\nHighest Server rate with p99 <= 10 ms for {RATE_SECONDS} s, steps of a quarter, one of 5 tries holds\n")
        print("| side | queries/s |\n|---|---|")
        for name, rate in highest_rates(sides).items():
            print(f"| {name} | {rate:,} |", flush=True)


if __name__ == "__main__":
    main()
