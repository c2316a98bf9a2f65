#!/usr/bin/env bash
# Compiles HIP sources ahead of time for gfx942, gfx950 and sm_90, checks the code objects and prints what each kernel
# takes: vector and scalar registers, local memory, spills, and the waves per SIMD that they leave room for.
#
# usage: kernels.sh --plugin libNAME.so [SETTING...]   the sources that a plugin declares, taken from the plugin itself; the
#                                                      objects are put where the host looks for them: libNAME.kernels
#                                                      beside it.  Settings are those of `host kernels` (--model DIR, ...).
#                                                      HOST names the host, .build/release/host unless told otherwise
#        kernels.sh [SOURCE...]                        files, all of Sources/Kernels without arguments; installs nothing
#
# It fails when a kernel is missing from an object, when an object is for another target or takes other arguments than the
# kernel's signature says, and when a kernel spills registers or keeps arrays in memory (PODIUM_SPILLS=1: a plugin's may).
#
# Output: .build/kernels/FAMILY.TARGET.hsaco and .cubin, the assembler's text beside them.  Compiler: ziglang from PyPI, which
# is clang 22 with the AMDGPU target, in an environment of its own under .build/kernels; where that cannot be had, clang-19
# for gfx942 alone.  NVRTC from PyPI for sm_90: PODIUM_NVRTC=0 leaves it out.  PODIUM_NVRTC=only leaves AMD's targets out.
set -euo pipefail
started_in=$PWD
cd "$(dirname "$0")/.."

nvrtc=${PODIUM_NVRTC:-1}
plugin=
declared=()
out=$PWD/.build/kernels
venv=$out/venv
mkdir -p "$out/bin"
sources=("$@")
if [ "${1:-}" = --plugin ]; then
  [ $# -ge 2 ] || { echo "kernels: --plugin needs a library" >&2; exit 64; }
  plugin=$2
  out=$out/$(basename "$plugin" .so)
  rm -rf "$out"
  host=${HOST:-$PWD/.build/release/host}
  [ -x "$host" ] || { echo "kernels: there is no $host; build it first, or name it with HOST=" >&2; exit 1; }
  (cd "$started_in" && "$host" kernels --extract "$out" "$@")
  sources=("$out"/*.hip)
  [ -e "${sources[0]}" ] || { echo "kernels: $plugin declares no HIP source; there is nothing to compile" >&2; exit 1; }
  declared=(--declared "$out/kernels.json")
elif [ $# = 0 ]; then
  sources=(Sources/Kernels/*/*.hip)
fi

want() { # PACKAGE==VERSION
  "$venv/bin/python3" -c 'import importlib.metadata as m, sys; sys.exit(m.version(sys.argv[1]) != sys.argv[2])' \
    "${1%%==*}" "${1##*==}" 2>/dev/null && return
  echo "kernels: installing $1 into .build/kernels/venv" >&2
  "$venv/bin/python3" -m pip install -q "$1"
}

# An environment that broke off half-made has no pip. Without one, what follows says what cannot be had.
"$venv/bin/python3" -m pip --version >/dev/null 2>&1 || python3 -m venv --clear "$venv" >&2 ||
  echo "kernels: python3 -m venv failed; install python3-venv" >&2

amd() {
  local targets=(gfx942 gfx950) compiler tools bin=$PWD/.build/kernels/bin source family target warnings=(-Wall -Werror)
  if want ziglang==0.17.0; then
    compiler=("$venv/bin/python3" -m ziglang clang)
    # clang links with the lld beside it; the Swift toolchain's does not know AMDGPU.
    printf '#!/bin/sh\n[ "$1" = -flavor ] && shift 2\nexec "%s" -m ziglang ld.lld "$@"\n' "$venv/bin/python3" >"$bin/lld"
    chmod +x "$bin/lld"
    tools=$bin
  elif command -v clang++-19 >/dev/null && [ -x /usr/lib/llvm-19/bin/lld ]; then
    echo "kernels: ziglang 0.17.0 cannot be had; clang-19 compiles for gfx942 alone" >&2
    compiler=(clang++-19)
    tools=/usr/lib/llvm-19/bin
    targets=(gfx942)
  else
    echo "kernels: no compiler for AMD GPUs: pip install ziglang==0.17.0 failed, and clang-19 with lld-19 is not there" >&2
    return 1
  fi
  # A plugin's text may hold headers as well, whose functions it need not use; its warnings are its own affair.
  [ -z "$plugin" ] || warnings=(-Wall -Wno-unused-function)
  local flags=(-x hip -std=c++17 -O3 "${warnings[@]}" -ffp-contract=off --cuda-device-only -nogpuinc -nogpulib
    --no-gpu-bundle-output -mcode-object-version=5 "-B$tools")
  for source in "${sources[@]}"; do
    family=$(basename "$source" .hip)
    for target in "${targets[@]}"; do
      # The assembler's text is kept: it is what a reader of an inner loop wants.
      "${compiler[@]}" "${flags[@]}" --offload-arch="$target" -S "$source" -o "$out/$family.$target.s" || return 1
      "${compiler[@]}" -x assembler -target amdgcn-amd-amdhsa "-mcpu=$target" -mcode-object-version=5 "-B$tools" \
        "$out/$family.$target.s" -o "$out/$family.$target.hsaco" || return 1
    done
  done
  python3 Scripts/kernel_table.py "${declared[@]}" "$out" "${targets[@]}" -- "${sources[@]}" || return 1
  # Both targets are what a release needs; one alone serves to try things.
  [ ${#targets[@]} = 2 ] || [ -z "$plugin" ] || echo "kernels: there are no objects for gfx950" >&2
}

nvidia() {
  if want nvidia-cuda-nvrtc==13.0.88; then
    "$venv/bin/python3" Scripts/kernel_nvrtc.py "${declared[@]}" "$out" sm_90 "${sources[@]}"
  else
    echo "kernels: nvidia-cuda-nvrtc 13.0.88 cannot be had; nothing is compiled for NVIDIA GPUs" >&2
    [ "$nvrtc" != only ]
  fi
}

[ "$nvrtc" = only ] || amd
[ "$nvrtc" = 0 ] || nvidia
# The folder of the objects is named as the plugin was: from where the command was given.
[ -z "$plugin" ] || (install=$PWD/Scripts/kernel_install.py && cd "$started_in" && python3 "$install" "$out")
