#!/usr/bin/env python3
"""The host's own cost per sample with one instance of a plugin and with several, by the policy that shares the samples.

    Benchmarks/Instances/compare.py [--host .build/release/host] [--rounds 7] [--scale 1]

libNull.so completes every sample within issue, so that what a sample costs is the host's. All cases take turns within a
round, each in a process of its own, and the order changes every round. "issue" is the timed part and "CPU" all processor time
of a run, as in Benchmarks/LoadGen/compare.py, which says more of both. Standard library only.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "LoadGen"))
from compare import BENCHMARK, LIBRARY, Side, cell, issue_cost  # noqa: E402

SAMPLES = {"SingleStream": 500_000, "Server": 500_000, "Offline": 2_000_000}
POLICIES = ["round_robin", "shortest_queue", "shortest_queue_with_tokens"]
CASES = [(1, POLICIES[1])] + [(count, policy) for count in (2, 8) for policy in POLICIES]


def side(host, count, policy):
    def command(scenario, conf, logs, tokens):
        return [host, "--plugin", "libNull.so", "--scenario", scenario, "--user-conf", conf, "--output", logs,
                f"benchmark_name={BENCHMARK}", "threads=1", f"model_config.samples={LIBRARY}",
                f"harness_config.device_count={count}", f"harness_config.schedule_algo={policy}"]

    return Side(f"{count} x {policy}", command)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default=".build/release/host")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1)
    arguments = parser.parse_args()
    sides = {case: side(arguments.host, *case) for case in CASES}
    costs = {(case, scenario): ([], []) for case in CASES for scenario in SAMPLES}
    for turn in range(arguments.rounds):
        for scenario, full in SAMPLES.items():
            samples = int(full * arguments.scale)
            for case in CASES if turn % 2 == 0 else reversed(CASES):
                log, processor, _ = sides[case].run(scenario, samples, 0)
                _, start, _ = sides[case].run(scenario, samples // 10, 0)
                issue, cpu = costs[case, scenario]
                issue.append(issue_cost(scenario, samples, log))
                cpu.append(max(0.0, processor - start) * 1e9 / (samples - samples // 10))
        print(f"round {turn + 1} of {arguments.rounds}", file=sys.stderr, flush=True)
    print("\nns per sample, median (least-greatest)\n")
    print("| instances | policy | " + " | ".join(f"{name}, issue | CPU" for name in SAMPLES) + " |")
    print("|---|---|" + "---|" * (2 * len(SAMPLES)))
    for count, policy in CASES:
        cells = " | ".join(cell(values) for scenario in SAMPLES for values in costs[(count, policy), scenario])
        print(f"| {count} | {policy if count > 1 else '-'} | {cells} |")


if __name__ == "__main__":
    main()
