#!/usr/bin/env bash
# Runs every benchmark and prints their tables.  What a benchmark needs and this machine lacks is reported as "not run".
#
#   Benchmarks/run.sh [NAME ...]       NAME: launch, kernels, formats, loadgen, instances, memory, rouge, accuracy, llama, cpu,
#                                            tokenizer
#                                      default: all of them
#
# PRODUCTS   folder of the built products, default .build/release; what is missing there is built
# ROUNDS     rounds of the LoadGen comparison, default 7
# MODELS     folder in which the random models are kept, default .build/benchmarks/models (5 GB for all four, 12 more for cpu)
# QUICK=1    short runs and small models, to see that everything works
#
# All of it takes about an hour on two idle cores; figures from a machine that does other things are worth little.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

products=${PRODUCTS:-.build/release}
rounds=${ROUNDS:-7}
models=${MODELS:-.build/benchmarks/models}
scratch=.build/benchmarks
quick=${QUICK:-}
names=("$@")
((${#names[@]})) || names=(launch kernels formats loadgen instances memory rouge accuracy llama cpu tokenizer)
mkdir -p "$scratch" "$models"

# need PRODUCT FILE: builds what is not there; says why where that fails.
need() {
  [ -e "$products/$2" ] && return 0
  if [ "$products" != .build/release ]; then
    echo "not run (there is no $products/$2)"
  elif ! swift build -c release -Xswiftc -enable-testing --product "$1" >"$scratch/build-$1.log" 2>&1; then
    echo "not run ($1 does not build; see $scratch/build-$1.log)"
  else
    return 0
  fi
  return 1
}

need_python() {
  command -v python3 >/dev/null && return 0
  echo "not run (there is no python3)"
  return 1
}

# attempt COMMAND ...: runs it and reports a failure in the place of its table.
attempt() {
  "$@" 2>"$scratch/errors.log"
  local status=$?
  ((status == 0)) || echo "not run to its end (status $status: $(tail -n 1 "$scratch/errors.log"))"
}

launch() {
  need LaunchBenchmark LaunchBenchmark || return
  attempt "$products/LaunchBenchmark"
}

kernels() {
  need KernelBenchmark KernelBenchmark || return
  if [ -n "$quick" ]; then attempt "$products/KernelBenchmark" 0.05; else attempt "$products/KernelBenchmark"; fi
}

formats() {
  need FormatBenchmark FormatBenchmark || return
  if [ -n "$quick" ]; then attempt "$products/FormatBenchmark" 0.05; else attempt "$products/FormatBenchmark"; fi
}

loadgen() {
  need host host && need Null libNull.so && need_python || return
  local reason
  reason=$(Benchmarks/LoadGen/build_official.sh "$scratch/loadgen" 2>&1 >/dev/null) || {
    echo "not run ($reason)"
    return
  }
  local options=(--host "$products/host" --official "$scratch/loadgen/official" --rounds "$rounds")
  [ -z "$quick" ] || options+=(--rounds 1 --scale 0.1 --no-rate)
  attempt Benchmarks/LoadGen/compare.py "${options[@]}"
}

instances() {
  need host host && need Null libNull.so && need_python || return
  local options=(--host "$products/host" --rounds "$rounds")
  [ -z "$quick" ] || options+=(--rounds 1 --scale 0.1)
  attempt Benchmarks/Instances/compare.py "${options[@]}"
}

memory() {
  need host host && need Llama2 libLlama2.so && need_python || return
  local options=(--host "$products/host" --keep "$models")
  [ -z "$quick" ] || options+=(--models 29m)
  attempt Benchmarks/Memory/run.py "${options[@]}"
}

rouge() {
  need host host && need Llama2 libLlama2.so && need_python || return
  local options=(--host "$products/host" --folder "$scratch/rouge")
  [ -z "$quick" ] || options+=(--samples 2048 --peer 64 --rounds 1)
  attempt Benchmarks/Rouge/run.py "${options[@]}"
}

accuracy() {
  need host host && need Llama2 libLlama2.so && need LogitBenchmark LogitBenchmark && need_python || return
  local options=(--host "$products/host" --logits "$products/LogitBenchmark" --folder "$scratch/accuracy")
  [ -z "$quick" ] || options+=(--documents 16 --prompts 32)
  attempt Benchmarks/Accuracy/run.py "${options[@]}"
}

llama() {
  need host host && need Llama2 libLlama2.so && need KernelBenchmark KernelBenchmark && need_python || return
  [ -e Benchmarks/Llama/run.py ] || {
    echo "not run (there is no Benchmarks/Llama/run.py)"
    return
  }
  local options=(--host "$products/host" --kernels "$products/KernelBenchmark" --keep "$models")
  [ -z "$quick" ] || options+=(--models 29m --threads 1)
  attempt Benchmarks/Llama/run.py "${options[@]}"
}

cpu() {
  need host host && need Llama2 libLlama2.so && need_python || return
  local reason
  reason=$(Benchmarks/LlamaCpp/build.sh "$scratch/llamacpp" 2>&1 >/dev/null) || {
    echo "not run ($reason)"
    return
  }
  local options=(--host "$products/host" --peer "$scratch/llamacpp" --keep "$models")
  [ -z "$quick" ] || options+=(--quick)
  attempt Benchmarks/LlamaCpp/run.py "${options[@]}"
}

tokenizer() {
  need TokenizerBenchmark TokenizerBenchmark && need_python || return
  local options=(--program "$products/TokenizerBenchmark" --folder "$scratch/tokenizer")
  [ -z "$quick" ] || options+=(--rounds 1 --size 2000000)
  attempt Benchmarks/Tokenizer/compare.py "${options[@]}"
}

echo "date      $(date -u +%F)"
echo "commit    $(git rev-parse --short HEAD 2>/dev/null || echo unknown)$(git diff --quiet HEAD -- 2>/dev/null || echo ', with changes')"
echo "machine   $(lscpu | sed -n 's/^Model name: *//p' | head -1), $(nproc) cores, $(free -g | awk '/^Mem:/ {print $2}') GiB"
echo "vectors   $(grep -o -w -m1 -E 'avx512f|avx512_bf16|avx2|fma|asimd' /proc/cpuinfo | sort -u | tr '\n' ' ')"
echo "system    $(uname -sr), $(swift --version 2>/dev/null | grep -o 'Swift version [0-9.]*' | head -1)"
echo "load      $(cut -d' ' -f1-3 /proc/loadavg) at the start"
for name in "${names[@]}"; do
  case $name in
  launch | kernels | formats | loadgen | memory | rouge | accuracy | llama | cpu | tokenizer)
    printf '\n## %s\n\n' "$name"
    "$name"
    ;;
  *)
    echo "$0: there is no benchmark $name; there are launch, kernels, formats, loadgen, memory, rouge, accuracy, llama, cpu and tokenizer" >&2
    exit 64
    ;;
  esac
done
