"""Records what MLCommons' own verification scripts say of good and damaged logs.

    git clone https://github.com/mlcommons/inference
    python3 make_verdicts.py INFERENCE LOGS > verdicts.json

LOGS is the folder `loadgen-golden/logs`: runs of the official LoadGen. Needs numpy. verdicts.json was made with
mlcommons/inference at b66003e10e2db4b8c36a448b0545ec90fcc6e9e9. Each case has the files that the script was given and, as
`official`, the verdict file that it wrote, or null where it crashed and wrote none. `stricter` says why our verdict is FAIL
where the official one is not, or why we refuse the log.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

INFERENCE, LOGS = map(pathlib.Path, sys.argv[1:])
ACCURACY, SUMMARY = "mlperf_log_accuracy.json", "mlperf_log_summary.txt"


def run(test, arguments, files, wanted):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        (folder / "work").mkdir()
        script = (INFERENCE / "compliance" / test / "run_verification.py").resolve()
        arguments = [argument.replace("FOLDER", str(folder)) for argument in arguments]
        subprocess.run([sys.executable, script, *arguments], cwd=folder / "work", capture_output=True)
        found = folder / "out" / test / wanted
        return found.read_text() if found.exists() else None


def entry(index, tokens, first=None, count=None, **other):
    data = b"".join(token.to_bytes(4, "little", signed=True) for token in tokens).hex().upper()
    first = tokens[:1] if first is None else first
    result = {
        "seq_id": index,
        "qsl_idx": index,
        "data": data,
        "token_data": b"".join(token.to_bytes(4, "little", signed=True) for token in first).hex().upper(),
        "token_count": len(tokens) if count is None else count,
    }
    result.update(other)
    return {key: value for key, value in result.items() if value is not None}


def log(entries):
    return "[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n"


def test06():
    good = [entry(7, [5, 9, 13, 2]), entry(3, [5, 9]), entry(8, [100000, 31999, 4])]
    cases = {
        "good": good,
        "one end token": [entry(1, [4, 2])],
        "two end tokens at the end": good + [entry(1, [4, 5, 2, 2])],
        "three end tokens at the end": good + [entry(1, [4, 2, 2, 2])],
        "end token in the middle": good + [entry(1, [4, 2, 5, 2])],
        "two end tokens in the middle": good + [entry(1, [4, 2, 2, 5])],
        "two end tokens alone": good + [entry(1, [2, 2])],
        "three end tokens alone": good + [entry(1, [2, 2, 2])],
        "end token alone": good + [entry(1, [2])],
        "first token differs": good + [entry(1, [4, 5, 6], first=[5])],
        "two first tokens": good + [entry(1, [4, 5, 6], first=[4, 5])],
        "second of two first tokens differs": good + [entry(1, [4, 5, 6], first=[4, 6])],
        "first token longer than the response": good + [entry(1, [4], first=[4, 6])],
        "first token empty": good + [entry(1, [4, 5], first=[])],
        "first token missing": good + [entry(1, [4, 5], token_data=None)],
        "first token of three bytes": good + [entry(1, [4, 5], token_data="040000")],
        "count too small": good + [entry(1, [4, 5, 6], count=2)],
        "count too great": good + [entry(1, [4, 5, 6], count=4)],
        "count missing": good + [entry(1, [4, 5, 6], token_count=None)],
        "response empty": good + [entry(1, [], count=0)],
        "response of five bytes": good + [entry(1, [], data="0400000005", count=1)],
        "response is no hexadecimal": good + [entry(1, [4], data="0G000000")],
        "response has an odd digit": good + [entry(1, [4], data="040000000")],
        "response missing": good + [entry(1, [4], data=None)],
        "empty": [],
    }
    stricter = {"empty": "nothing was logged, so nothing is shown"}
    for scenario in ["Server", "Offline", "Interactive", "SingleStream"]:
        for name, entries in cases.items():
            if scenario not in ("Server", "Offline") and name not in ("good", "first token differs"):
                continue
            yield scenario, name, {"run": log(entries)}, stricter.get(name)
        if scenario in ("Server", "Offline"):
            yield scenario, "cut off", {"run": log(good)[:-40]}, None
            yield scenario, "official run", {"golden": "test06_llama"}, None


def summary(name, *changes):
    text = (LOGS / name / SUMMARY).read_text()
    for old, new in changes:
        assert old in text, (name, old)
        text = text.replace(old, new)
    return text


def test04():
    offline = lambda *changes: summary("offline_perf", *changes)
    rate = lambda value: ("Samples per second: 6640.6", f"Samples per second: {value}")
    invalid = ("Result is : VALID", "Result is : INVALID")
    single = lambda latency, *changes: summary(
        "ss_perf", ("percentile estimate: 3271812", f"percentile estimate: {latency}"), *changes)
    server = lambda value: summary(
        "server_perf", ("second    : 500.12", f"second    : {value}"))
    valid = ("Result is : INVALID", "Result is : VALID")
    lines = lambda text, prefix: "".join(line for line in text.splitlines(True) if not line.startswith(prefix))
    yield "Offline", "equal", offline(), offline()
    yield "Offline", "9% faster", offline(rate(1000)), offline(rate(1090))
    yield "Offline", "11% faster", offline(rate(1000)), offline(rate(1110))
    yield "Offline", "10% faster", offline(rate(1000)), offline(rate(1100.0000000000001))
    yield "Offline", "half as fast", offline(rate(1000)), offline(rate(500))
    yield "Offline", "large rates", offline(rate("1.5e+07")), offline(rate("1.6e+07"))
    yield "Offline", "reference INVALID", offline(invalid), offline()
    yield "Offline", "test INVALID", offline(), offline(invalid)
    yield "Offline", "both INVALID", offline(invalid), offline(invalid)
    yield "Offline", "scenarios differ", offline(), server(500.12)
    errors = ("No errors encountered during test.", "2 ERRORs encountered. See detailed log.")
    yield "Offline", "errors", offline(errors), offline(errors)
    yield "Offline", "no score in the test", offline(), lines(offline(), "Samples per second"), \
        "without a score there is nothing to compare"
    yield "Offline", "no score in the reference", lines(offline(), "Samples per second"), offline()
    yield "Offline", "no result in the test", offline(), lines(offline(), "Result is"), \
        "a summary without a result was cut off"
    yield "Offline", "test is no summary", offline(), "hello\n"
    yield "Offline", "reference is empty", "", offline()
    yield "Offline", "score is no number", offline(), offline(rate("fast"))
    yield "Server", "9% faster", server(500), server(545)
    yield "Server", "11% faster", server(500), server(555)
    yield "SingleStream", "19% faster", single(1190000), single(1000000)
    yield "SingleStream", "21% faster", single(1210001), single(1000000)
    yield "SingleStream", "15% faster, latencies below 5 us", single(4600), single(4000)
    yield "SingleStream", "official runs", single(3271812), summary("test04_wan")
    # 64 queries are too few for an estimate.
    yield "SingleStream", "no estimate in the test", single(1000000), \
        lines(single(1000000), " * Early stopping 90.0th"), "without a score there is nothing to compare"
    multi = lambda *changes: summary("ms_perf", *changes)
    yield "MultiStream", "official run", multi(), multi()


def test07():
    scored = lambda text: ("printf '%s' '" + text.replace("'", "'\\''") + "'", text)
    for name, text in {
        "above": "AIME 12\n'exact_match': 62.15\n",
        "equal": "{'exact_match': 60.698, 'tokens': 5}\n",
        "below": "'exact_match': 60.697\n",
        "whole number": "'exact_match': 61\n",
        "two scores, the first below": "'exact_match': 10.0\n'exact_match': 80.0\n",
        "two scores, the first above": "'exact_match': 80.0\n'exact_match': 10.0\n",
        "no score": "all is well\n",
        "double quotes": '"exact_match": 80.0\n',
        "no number": "'exact_match': none\n",
        "score on the next line": "'exact_match':\n  70.5\n",
        "no number, then one": "'exact_match': none, 'exact_match': 75.5\n",
        "two points": "'exact_match': 70.5.1\n",
        "no line feed": "'exact_match': 70.5",
        "empty": "",
    }.items():
        yield name, scored(text)


def test09():
    def lengths(*counts):
        return [entry(index, [7] * count) for index, count in enumerate(counts)]

    bounds = [10.5, 12]
    yield "within", lengths(10, 11, 12), bounds, None
    yield "least", lengths(10, 11), bounds, None
    yield "greatest", lengths(12, 12), bounds, None
    yield "below", lengths(10, 10, 11), bounds, None
    yield "above", lengths(12, 12, 13), bounds, None
    yield "one", lengths(11), bounds, None
    yield "no responses of length", lengths(0, 0), bounds, None
    yield "rounding", lengths(11, 11, 11, 11, 11, 11, 11, 12), bounds, None
    yield "response missing", lengths(11, 11) + [entry(5, [], data=None)], [5, 12], "an entry has no response"
    yield "response is no hexadecimal", lengths(11, 11) + [entry(5, [], data="XY")], [5, 12], "an entry is undecodable"
    yield "response of five bytes", lengths(11, 11) + [entry(5, [], data="0400000005")], [5, 12], \
        "a response is no list of tokens"
    yield "empty", [], bounds, None


cases = []
for scenario, name, files, stricter in test06():
    text = files.get("run") or (LOGS / files["golden"] / ACCURACY).read_text()
    official = run("TEST06", ["-c", "FOLDER/run", "-o", "FOLDER/out", "-s", scenario], {"run/" + ACCURACY: text},
                   "verify_accuracy.txt")
    cases.append({"test": "TEST06", "scenario": scenario, "name": name, **files, "official": official,
                  "stricter": stricter})
for scenario, name, reference, test, *stricter in test04():
    official = run("TEST04", ["-r", "FOLDER/reference", "-c", "FOLDER/run", "-o", "FOLDER/out"],
                   {"reference/performance/run_1/" + SUMMARY: reference, "run/" + SUMMARY: test},
                   "verify_performance.txt")
    cases.append({"test": "TEST04", "scenario": scenario, "name": name, "reference": reference, "run": test,
                  "official": official, "stricter": stricter[0] if stricter else None})
audit07 = (INFERENCE / "compliance/TEST07/gpt-oss-120b/audit.config").resolve()
for name, (command, text) in test07():
    official = run("TEST07", ["-c", "FOLDER/run", "-o", "FOLDER/out", "--accuracy-script", command.replace("{", "{{")
                   .replace("}", "}}"), "--audit-config", str(audit07)], {"run/" + ACCURACY: "[\n]\n"},
                   "verify_accuracy.txt")
    cases.append({"test": "TEST07", "name": name, "accuracy": text, "official": official})
for name, entries, (least, most), stricter in test09():
    official = run("TEST09", ["-c", "FOLDER/run", "-o", "FOLDER/out", "--min-output-tokens", str(least),
                   "--max-output-tokens", str(most)], {"run/" + ACCURACY: log(entries)}, "verify_output_len.txt")
    cases.append({"test": "TEST09", "name": name, "run": log(entries), "bounds": [least, most], "official": official,
                  "stricter": stricter})
audits = []
for test, benchmark, path in [
    ("TEST01", "wan-2.2-t2v-a14b", "TEST01/wan-2.2-t2v-a14b"), ("TEST04", "wan-2.2-t2v-a14b", "TEST04"),
    ("TEST06", "llama2-70b", "TEST06"), ("TEST07", "gpt-oss-120b", "TEST07/gpt-oss-120b"),
    ("TEST09", "gpt-oss-120b", "TEST09/gpt-oss-120b"),
]:
    # Lines with a concrete model are left out: LoadGen reads the file with the model "*".
    lines = (INFERENCE / "compliance" / path / "audit.config").read_text().splitlines()
    audits.append({"test": test, "benchmark": benchmark,
                   "lines": [line.strip() for line in lines if line.startswith("*.")]})
print(json.dumps({"cases": cases, "audits": audits}, indent=0))
