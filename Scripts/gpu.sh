#!/usr/bin/env bash
# Takes Podium to a machine with a GPU, where nothing is installed but the GPU's driver, bash and python3.
#
# usage: gpu.sh pack [FILE.tar.gz]   on the machine that builds: packs the host, the Llama 2 plugin with its code objects, the
#                                    Swift runtime and every library they need, the demo model and the golden checkpoints.
#                                    PODIUM_PACK_NVRTC=1 adds NVRTC, for NVIDIA GPUs other than sm_90
#        gpu.sh run [DEVICE]         in the unpacked folder: runs everything on DEVICE (hip:0, cuda:0, cpu; without one the
#                                    first GPU that `host devices` lists) and prints one table.  Logs: results-DEVICE/
#
# A step that fails is shown as such and the others go on; the exit status is 1 if one failed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

pack() {
  cd "$here/.."
  local products=${PRODUCTS:-.build/release} file=${1:-.build/podium-gpu.tar.gz} folder library
  folder=.build/podium-gpu
  rm -rf "$folder"
  mkdir -p "$folder/bin" "$folder/lib" "$folder/lib-if-missing" "$folder/Plugins/Llama2"
  if [ "${PODIUM_PACK_BUILD:-1}" = 1 ]; then
    make kernels
    swift build -c release -Xswiftc -enable-testing --product Null
  fi
  cp "$products"/host "$products"/libLlama2.so "$products"/libNull.so "$folder/bin/"
  if [ -d "$products/libLlama2.kernels" ]; then
    cp -r "$products/libLlama2.kernels" "$folder/bin/"
    ln -s libLlama2.kernels "$folder/bin/host.kernels"
  else
    echo "gpu: there are no code objects beside the plugin (make kernels); kernels will be compiled on the machine" >&2
  fi
  # Everything but glibc's own, which must be the machine's.
  for library in $(ldd "$folder"/bin/host "$folder"/bin/*.so | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u); do
    case $(basename "$library") in
    libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | libutil.so.* | ld-linux*) ;;
    # The driver's libraries may need newer ones than these.
    libstdc++.so.* | libgcc_s.so.*) cp -L "$library" "$folder/lib-if-missing/" ;;
    *) cp -L "$library" "$folder/lib/" ;;
    esac
  done
  if [ "${PODIUM_PACK_NVRTC:-0}" = 1 ]; then
    cp -L .build/kernels/venv/lib/python3*/site-packages/nvidia/cu13/lib/libnvrtc*.so* "$folder/lib/"
  fi
  cp -r Plugins/Llama2/Configs Plugins/Llama2/Demo "$folder/Plugins/Llama2/"
  # Golden checkpoints of Llama models, with what transformers says of them.
  for library in Tests/Golden/golden/*/ckpt*; do
    [ -e "$library/expected.json" ] && grep -q '"model_type": *"llama"' "$library/config.json" || continue
    mkdir -p "$folder/golden/$(basename "$(dirname "$library")")"
    cp -r "$library" "$folder/golden/$(basename "$(dirname "$library")")/"
  done
  cp Scripts/gpu.sh Scripts/gpu_golden.py "$folder/"
  git log -1 --format='%H %cs' >"$folder/COMMIT" 2>/dev/null || true
  tar -czf "$file" -C "$(dirname "$folder")" "$(basename "$folder")"
  echo "$file: $(du -h "$file" | cut -f1); on the machine: tar xzf $(basename "$file") && podium-gpu/gpu.sh run"
}

names=() results=() seconds=() details=()

# step NAME LIMIT PATTERN COMMAND...: PATTERN picks the lines of the output that the table shows
step() {
  local name=$1 limit=$2 pattern=$3 log status=0 begun=$SECONDS
  shift 3
  log=$out/$(tr ' /' '__' <<<"$name").log
  printf '%s ...\n' "$name" >&2
  printf '+ %s\n' "$*" >"$log"
  timeout -k 10 "$limit" "$@" >>"$log" 2>&1 </dev/null || status=$?
  names+=("$name")
  seconds+=($((SECONDS - begun)))
  case $status in
  0) results+=(passed) ;;
  64) results+=("refused") ;;
  124 | 137) results+=("over $limit s") ;;
  *) results+=("failed $status") ;;
  esac
  if [ $status = 0 ]; then
    details+=("$(grep -E "$pattern" "$log" | tail -1 | tr -s ' ' | cut -c1-100 || true)")
  else
    details+=("$(grep -vE '^[+]|^podium:|^ *$' "$log" | grep -E 'error|failed|INVALID|fail|\*' | head -1 | tr -s ' ' | cut -c1-100 || true)")
  fi
}

run() {
  cd "$here"
  export LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  ldconfig -p 2>/dev/null | grep -q 'libstdc++\.so\.6' || LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$here/lib-if-missing
  [ ! -e lib/libnvrtc.so.13 ] || export PODIUM_NVRTC_LIBRARY=$here/lib/libnvrtc.so.13
  local host=$here/bin/host device=${1:-}
  if [ -z "$device" ]; then
    device=$("$host" devices | grep -oE '^(hip|cuda):[0-9]+' | head -1 || true)
    [ -n "$device" ] || { "$host" devices; echo "gpu: there is no GPU here that can be used; gpu.sh run cpu tries the rest" >&2; exit 64; }
  fi
  out=$here/results-${device/:/-}
  rm -rf "$out"
  mkdir -p "$out"
  local llama=(--plugin libLlama2.so --config-path Plugins/Llama2/Configs)
  step "devices" 60 "^${device%%:*}" "$host" devices
  step "kernels" 60 'kernels in' "$host" kernels "${llama[@]}" --config-name conformance
  step "kernel examples" 600 'CONFORMANT' "$host" conform "${llama[@]}" --config-name conformance --device "$device" --only MLP-N02
  local checkpoint
  step "golden demo" 600 'tokens' python3 gpu_golden.py "$host" "$device" "$out" Plugins/Llama2/Demo
  for checkpoint in golden/*/ckpt*; do
    [ -e "$checkpoint" ] || continue
    step "$checkpoint" 600 'tokens' python3 gpu_golden.py "$host" "$device" "$out" "$checkpoint"
  done
  step "demo offline" 600 'samples per second|VALID' "$host" "${llama[@]}" --config-name demo_offline --device "$device" --output "$out/demo_offline"
  step "demo server" 600 'samples per second|VALID' "$host" "${llama[@]}" --config-name demo_server --device "$device" --output "$out/demo_server"
  # A CPU takes ten minutes for what a GPU does in seconds.
  local shapes=() launches=()
  [ "$device" != cpu ] || { shapes=(--shapes 512x512x512 --rep 20) && launches=(--examples --rep 20); }
  step "bench bandwidth" 600 'GB/s' "$host" bench bandwidth --device "$device"
  step "bench gemm" 600 'TFLOP|%' "$host" bench gemm --device "$device" "${shapes[@]}"
  step "bench kernels" 600 'GB/s|%' "$host" bench kernels "${llama[@]}" --config-name conformance --device "$device" "${launches[@]}"
  {
    echo
    echo "Podium $(cat COMMIT 2>/dev/null) on $device: $(grep -E "^$device " "$out/devices.log" | head -1)"
    printf '%-34s %-12s %7s  %s\n' step result seconds what
    local i failed=0
    for i in "${!names[@]}"; do
      printf '%-34s %-12s %7s  %s\n' "${names[i]}" "${results[i]}" "${seconds[i]}" "${details[i]}"
      [ "${results[i]}" = passed ] || failed=$((failed + 1))
    done
    echo "$((${#names[@]} - failed)) of ${#names[@]} steps passed; logs in $out"
  } | tee "$out/table.txt"
  ! grep -qE '^.{34} (failed|refused|over)' "$out/table.txt"
}

case ${1:-} in
pack) shift && pack "$@" ;;
run) shift && run "$@" ;;
*)
  sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//'
  exit 64
  ;;
esac
