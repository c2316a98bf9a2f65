#!/usr/bin/env python3
"""Asks the official checker about the tree and each mutation of it, and writes verdicts.json.

    record_verdicts.py INFERENCE    a checkout of mlcommons/inference; the checker's packages (pandas, openpyxl, pyyaml)
                                    must be installed for the Python that runs this

mutations.json has one mutation per line: the round, and edits that are made in order.  A path begins with a letter for a
folder (see ROOTS), and may end in a name for a log (see FILES).
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CLOSED = "closed/Tester/results/1xTestnode/"
ROOTS = {
    "L": CLOSED + "llama2-70b-99.9", "G": CLOSED + "gpt-oss-120b", "W": CLOSED + "wan-2.2-t2v-a14b", "R": CLOSED[:-1],
    "O": "open/Tester/results/1xTestnode/llama2-70b-99.9", "C": "closed/Tester", "D": "open/Tester", "T": ".",
}
FILES = {
    "@performance": "performance/run_1/mlperf_log_detail.txt", "@accuracy": "accuracy/mlperf_log_detail.txt",
    "@score": "accuracy/accuracy.txt", "@system": "systems/1xTestnode.json",
}


def place(root, path):
    """The file or folder that a mutation names."""
    parts = path.split("/")
    parts[0] = ROOTS[parts[0]]
    if parts[-1] in FILES:
        parts[-1] = FILES[parts[-1]]
    return root / "/".join(parts)


def changed_lines(text, key, value):
    """The log's text with another value for a key; without its lines where the value is None."""
    out = []
    for line in text.splitlines(keepends=True):
        if f'"key": "{key}", ' in line:
            if value is None:
                continue
            line = re.sub(r'"value": .*, "time_ms"', lambda _: f'"value": {value}, "time_ms"', line)
        out.append(line)
    if "".join(out) == text:
        raise ValueError(f"no line has {key}")
    return "".join(out)


def apply(root, edit):
    """Makes one edit in a tree."""
    name, *words = edit
    if name == "set everywhere":
        for log in root.rglob("mlperf_log_detail.txt"):
            log.write_text(changed_lines(log.read_text(), words[0], words[1]))
        return
    path = place(root, words[0])
    if name == "set":
        path.write_text(changed_lines(path.read_text(), words[1], words[2]))
    elif name == "drop":
        path.write_text(changed_lines(path.read_text(), words[1], None))
    elif name == "replace":
        text = path.read_text()
        if words[1] not in text:
            raise ValueError(f"{path} has no {words[1]}")
        path.write_text(text.replace(words[1], words[2], 1))
    elif name == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words[1])
    elif name == "append":
        path.write_text(path.read_text() + words[1])
    elif name == "remove":
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif name == "move":
        path.rename(place(root, words[1]))
    elif name == "copy":
        target = place(root, words[1])
        shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)
    elif name == "cut":
        path.write_bytes(path.read_bytes()[:words[1]])
    elif name == "grow":
        path.write_bytes(path.read_bytes().ljust(words[1]))
    elif name == "byte":
        path.write_bytes(path.read_bytes() + bytes([words[1]]))
    elif name == "link":
        path.symlink_to(words[1])
    elif name == "folder":
        path.mkdir(parents=True)
    else:
        raise ValueError(f"unknown edit {name}")


def verdict(inference, tree, round_name):
    """What the official checker says."""
    command = [sys.executable, "-m", "tools.submission.submission_checker.main", "--input", str(tree),
               "--version", round_name, "--csv", str(tree.parent / "summary.csv")]
    done = subprocess.run(command, cwd=inference, capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    said = [re.sub(r"^\[.*? ERROR\] ", "", line) for line in lines if " ERROR] " in line]
    if "Traceback" in done.stderr:
        said = [lines[-1]]
    said = [line.replace(str(tree) + "/", "") for line in said if not line.startswith(("SUMMARY", "NoResults"))]
    return {"accepts": done.returncode == 0, "stops": "Traceback" in done.stderr, "says": said[0] if said else ""}


def main():
    """Writes verdicts.json."""
    inference = pathlib.Path(sys.argv[1])
    commit = subprocess.run(["git", "-C", str(inference), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    verdicts = {}
    for line in (HERE / "mutations.json").read_text().splitlines():
        if not line.startswith("{"):
            continue
        mutation = json.loads(line.rstrip(","))
        with tempfile.TemporaryDirectory() as folder:
            tree = pathlib.Path(folder) / "tree"
            shutil.copytree(HERE / "tree", tree)
            try:
                for edit in mutation["edits"]:
                    apply(tree, edit)
            except (ValueError, OSError) as error:
                sys.exit(f"{mutation['name']}: {error}")
            found = verdict(inference, tree, mutation["round"])
        if mutation["name"] in verdicts:
            sys.exit(f"{mutation['name']}: named twice")
        verdicts[mutation["name"]] = found
        print("accepts" if found["accepts"] else "rejects", mutation["name"], "|", found["says"][:110])
    rows = [f"  {json.dumps(name)}: {json.dumps(found)}" for name, found in verdicts.items()]
    (HERE / "verdicts.json").write_text(
        "{\n" + f'"checker": "mlcommons/inference {commit.stdout.strip()}",\n"verdicts": {{\n' + ",\n".join(rows) + "\n}}\n")


main()
