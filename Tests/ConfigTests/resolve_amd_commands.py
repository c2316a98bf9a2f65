#!/usr/bin/env python3
"""Adds to amd-commands.json what OmegaConf makes of each command, as AMD's harness does.

    python3 -m venv venv && venv/bin/pip install omegaconf
    venv/bin/python Tests/ConfigTests/resolve_amd_commands.py

amd-commands.json lists every harness command of AMD's published pages: `sources` are the pages, `command` is the text as it
stands there, `filled_in` says what replaced a placeholder, `words` are the words behind the name of the program after the
shell. This script adds `resolved`, made by OmegaConf 2.4.0 from the dotted list to which the harness turns the words:
`--k v` and `--k=v` become k=v with dashes as underscores, k=v stays.
"""

import json
import os

from omegaconf import OmegaConf


def dotlist(words):
    """The words as key=value."""
    result, pending = [], None
    for word in words:
        if word.startswith("--"):
            key, equals, value = word[2:].partition("=")
            if equals:
                result.append(key.replace("-", "_") + "=" + value)
            else:
                pending = key.replace("-", "_")
        elif "=" in word:
            result.append(word)
        else:
            result.append(f"{pending}={word}")
    return result


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "amd-commands.json")
    with open(path, encoding="utf-8") as file:
        commands = json.load(file)
    for command in commands:
        command["resolved"] = OmegaConf.to_object(OmegaConf.from_dotlist(dotlist(command["words"])))
    with open(path, "w", encoding="utf-8") as file:
        json.dump(commands, file, indent=1, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
