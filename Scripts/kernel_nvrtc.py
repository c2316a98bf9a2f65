#!/usr/bin/env python3
"""Compiles the HIP sources with NVRTC as a program at run time would: headers and source as one text.

usage: kernel_nvrtc.py [--declared KERNELS.json] FOLDER ARCHITECTURE SOURCE...

Needs the package nvidia-cuda-nvrtc, and no GPU.  With --declared the sources are whole texts, and every kernel that is
declared must be among the symbols of its family's object."""

import ctypes
import importlib.util
import json
import re
import sys
from pathlib import Path

package = importlib.util.find_spec("nvidia.cu13")
library = Path(list(package.submodule_search_locations)[0]) / "lib"
# The second library is opened by name alone, so it must be there already.
ctypes.CDLL(str(library / "libnvrtc-builtins.so.13.0"), mode=ctypes.RTLD_GLOBAL)
nvrtc = ctypes.CDLL(str(library / "libnvrtc.so.13"))


def text(source):
    """The source behind the headers that it includes, as families.c puts them together."""
    seen, parts = set(), []

    def add(path):
        if path in seen:
            return
        seen.add(path)
        body = path.read_text()
        for name in re.findall(r'^#include "([^"]+)"', body, re.M):
            add((path.parent / name).resolve())
        parts.append(body)

    add(Path(source).resolve())
    return "".join(parts)


def compile_one(source, whole, architecture):
    program = ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(
        ctypes.byref(program), whole.encode(), Path(source).name.encode(), 0, None, None
    )
    # 177: a function of the headers that a source has no use for.
    options = [f"--gpu-architecture={architecture}", "--std=c++17", "--fmad=false", "--diag-suppress=177"]
    array = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
    status = nvrtc.nvrtcCompileProgram(program, len(options), array)
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    if status:
        return None, log.value.decode()
    nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    image = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetCUBIN(program, image)
    return image.raw, log.value.decode()


arguments = sys.argv[1:]
declared = None
if arguments[0] == "--declared":
    declared, arguments = json.loads(Path(arguments[1]).read_text()), arguments[2:]
folder, architecture = Path(arguments[0]), arguments[1]
failed = False
for source in arguments[2:]:
    image, log = compile_one(source, Path(source).read_text() if declared else text(source), architecture)
    name = Path(source).stem
    if image is None:
        failed = True
        print(f"kernels: {source} for {architecture}:\n{log}", file=sys.stderr)
    else:
        (folder / f"{name}.{architecture}.cubin").write_bytes(image)
        for kernel in declared["kernels"] if declared else []:
            # Each kernel has a section of its own.
            if kernel["family"] == name and f"\0.text.{kernel['name']}\0".encode() not in image:
                failed = True
                print(f"kernels: {name}.{architecture}.cubin: {kernel['name']} is not there", file=sys.stderr)
        print(f"{name}.{architecture}.cubin {len(image)} bytes" + (f"\n{log}" if log.strip() else ""))
sys.exit(1 if failed else 0)
