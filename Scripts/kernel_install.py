#!/usr/bin/env python3
"""Puts the code objects of a plugin's sources where the host looks for them, under names that carry the source's hash.

usage: kernel_install.py FOLDER      FOLDER holds kernels.json of `host kernels --extract`, the sources and the objects

What lies there of older sources is removed.  Fails when a family with a source has no object at all."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

folder = Path(sys.argv[1])
declared = json.loads((folder / "kernels.json").read_text())
place = Path(declared["objects"])
place.mkdir(parents=True, exist_ok=True)
errors, installed, names = [], 0, set()
for family in declared["families"]:
    if family["source"] is None:
        continue
    source = (folder / family["source"]).read_bytes()
    if hashlib.sha256(source).hexdigest() != family["sha256"]:
        errors.append(f"{family['source']} is not the text that the plugin declares")
        continue
    objects = [*folder.glob(f"{family['name']}.*.hsaco"), *folder.glob(f"{family['name']}.*.cubin")]
    if not objects:
        errors.append(f"family {family['name']} has no code object")
    for path in objects:
        target = path.name[len(family["name"]) + 1 :].rsplit(".", 1)[0]
        name = f"{family['name']}.{target}.{family['sha256']}.co"
        # Under another name first: a run may be reading.
        shutil.copyfile(path, place / (name + ".partial"))
        (place / (name + ".partial")).rename(place / name)
        names.add(name)
        installed += 1
for path in place.iterdir():
    if path.name.endswith(".co") and path.name not in names:
        path.unlink()
print(f"{installed} code objects in {place}")
for error in errors:
    print(f"kernels: {error}", file=sys.stderr)
sys.exit(1 if errors else 0)
