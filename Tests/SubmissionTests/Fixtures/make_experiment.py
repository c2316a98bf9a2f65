#!/usr/bin/env python3
"""Makes an experiment's folder, as `host scenarios` leaves it, from the recorded tree: make_experiment.py OUT [DIVISION]."""
import hashlib
import json
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
LOGS = HERE.parents[1] / "Golden" / "loadgen-golden" / "logs"


def main():
    """Writes OUT/node1/llama2-70b/{Offline,Server}."""
    out = pathlib.Path(sys.argv[1])
    for scenario in ("Offline", "Server"):
        source = HERE / "tree/closed/Tester/results/1xTestnode/llama2-70b-99.9" / scenario
        target = out / "node1" / "llama2-70b" / scenario
        shutil.copytree(source / "performance", target / "performance")
        shutil.copytree(source / "accuracy", target / "accuracy")
        shutil.copytree(source / "TEST06", target / "TEST06")
        log = (LOGS / f"{scenario.lower()}_accuracy_tokens" / "mlperf_log_accuracy.json").read_bytes()
        log = log.rstrip()[:-1].rstrip() + b",\n" + b"".join(log.splitlines(keepends=True)[1:])  # above 10 KiB
        (target / "accuracy" / "mlperf_log_accuracy.json").write_bytes(log)
        score = (source / "accuracy" / "accuracy.txt").read_text().split("hash=")[0]
        digest = hashlib.sha256(log).hexdigest()
        (target / "accuracy" / "accuracy.txt").write_text(f"{score}hash={digest}\n")
        for folder, mode in (("performance/run_1", "PerformanceOnly"), ("accuracy", "AccuracyOnly")):
            record = {
                "format": 1, "status": "valid", "host": "0.3.0",
                "words": ["--plugin", "libLlama2.so", "test_mode=" + mode, "name=it's"], "started": "2026-01-01T00:00:00Z",
                "ended": "2026-01-01T00:10:01Z", "plugin": "libLlama2.so", "workload": "llama2",
                "workload_version": "1.0", "benchmark": "llama2-70b", "scenario": scenario, "mode": mode, "audit": "",
                "round": "v6.0", "engine": "official 6.0.17", "overrides_seeds": False, "system": "node1",
                "device": "cpu", "device_count": 1, "model": "Plugins/Llama2/Demo/checkpoint",
                "dataset": "Plugins/Llama2/Demo/prompts.jsonl",
                "user_conf": "Plugins/Llama2/Configs/user_demo.conf", "options": {"max_new_tokens": 1024},
                "for_submission": True, "reasons": [], "host_ns_per_sample": 100.0,
            }
            (target / folder / "run.json").write_text(json.dumps(record, indent=2) + "\n")


main()
