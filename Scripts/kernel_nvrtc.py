#!/usr/bin/env python3
"""Compiles the HIP sources with NVRTC as a program at run time would: headers and source as one text.

usage: kernel_nvrtc.py FOLDER ARCHITECTURE SOURCE...      needs the package nvidia-cuda-nvrtc; no GPU."""

import ctypes
import importlib.util
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


def compile_one(source, architecture):
    program = ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(
        ctypes.byref(program), text(source).encode(), Path(source).name.encode(), 0, None, None
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


folder, architecture = Path(sys.argv[1]), sys.argv[2]
failed = False
for source in sys.argv[3:]:
    image, log = compile_one(source, architecture)
    name = Path(source).stem
    if image is None:
        failed = True
        print(f"kernels: {source} for {architecture}:\n{log}", file=sys.stderr)
    else:
        (folder / f"{name}.{architecture}.cubin").write_bytes(image)
        print(f"{name}.{architecture}.cubin {len(image)} bytes" + (f"\n{log}" if log.strip() else ""))
sys.exit(1 if failed else 0)
