#!/usr/bin/env bash
# Compiles every HIP source ahead of time for gfx942 and gfx950, checks the code objects and prints what each kernel
# takes: vector and scalar registers, local memory, spills, and the waves per SIMD that they leave room for.
# Where NVRTC can be had it also compiles every source for sm_90: PODIUM_NVRTC=0 leaves that out.
#
# usage: kernels.sh [SOURCE...]      all sources of Sources/Kernels without arguments
#
# Output: .build/kernels/FAMILY.TARGET.hsaco.  Compiler: ziglang from PyPI, which is clang 22 with the AMDGPU target, in an
# environment of its own under .build/kernels; where that cannot be had, clang-19 for gfx942 alone.
set -euo pipefail
cd "$(dirname "$0")/.."

out=$PWD/.build/kernels
venv=$out/venv
mkdir -p "$out/bin"

want() { # PACKAGE==VERSION
  "$venv/bin/python3" -c 'import importlib.metadata as m, sys; sys.exit(m.version(sys.argv[1]) != sys.argv[2])' \
    "${1%%==*}" "${1##*==}" 2>/dev/null && return
  echo "kernels: installing $1 into .build/kernels/venv" >&2
  "$venv/bin/python3" -m pip install -q "$1"
}

# An environment that broke off half-made has no pip. Without one, what follows says what cannot be had.
"$venv/bin/python3" -m pip --version >/dev/null 2>&1 || python3 -m venv --clear "$venv" >&2 ||
  echo "kernels: python3 -m venv failed; install python3-venv" >&2
targets=(gfx942 gfx950)
if want ziglang==0.17.0; then
  compiler=("$venv/bin/python3" -m ziglang clang)
  # clang links with the lld beside it; the Swift toolchain's does not know AMDGPU.
  printf '#!/bin/sh\n[ "$1" = -flavor ] && shift 2\nexec "%s" -m ziglang ld.lld "$@"\n' "$venv/bin/python3" >"$out/bin/lld"
  chmod +x "$out/bin/lld"
  tools=$out/bin
elif command -v clang++-19 >/dev/null && [ -x /usr/lib/llvm-19/bin/lld ]; then
  echo "kernels: ziglang 0.17.0 cannot be had; clang-19 compiles for gfx942 alone" >&2
  compiler=(clang++-19)
  tools=/usr/lib/llvm-19/bin
  targets=(gfx942)
else
  echo "kernels: no compiler for AMD GPUs: pip install ziglang==0.17.0 failed, and clang-19 with lld-19 is not there" >&2
  exit 1
fi

sources=(Sources/Kernels/*/*.hip)
[ $# = 0 ] || sources=("$@")
flags=(-x hip -std=c++17 -O3 -Wall -Werror -ffp-contract=off --cuda-device-only -nogpuinc -nogpulib
  --no-gpu-bundle-output -mcode-object-version=5 "-B$tools")
for source in "${sources[@]}"; do
  family=$(basename "$source" .hip)
  for target in "${targets[@]}"; do
    object=$out/$family.$target.hsaco
    # The assembler's text is kept: it is what a reader of an inner loop wants.
    "${compiler[@]}" "${flags[@]}" --offload-arch="$target" -S "$source" -o "$out/$family.$target.s"
    "${compiler[@]}" -x assembler -target amdgcn-amd-amdhsa "-mcpu=$target" -mcode-object-version=5 "-B$tools" \
      "$out/$family.$target.s" -o "$object"
  done
done

python3 Scripts/kernel_table.py "$out" "${targets[@]}" -- "${sources[@]}"

if [ "${PODIUM_NVRTC:-1}" = 1 ]; then
  if want nvidia-cuda-nvrtc==13.0.88; then
    "$venv/bin/python3" Scripts/kernel_nvrtc.py "$out" sm_90 "${sources[@]}"
  else
    echo "kernels: nvidia-cuda-nvrtc 13.0.88 cannot be had; nothing is compiled for NVIDIA GPUs" >&2
  fi
fi
