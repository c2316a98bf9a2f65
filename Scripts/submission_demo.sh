#!/usr/bin/env bash
# An open-division llama2-70b submission of the demo model, made from nothing: prompts, accuracy and performance of Offline
# and Server, the tree, our check of it and the official checker's.
#
#     Scripts/submission_demo.sh              about 30 minutes on two idle cores: 24,576 samples, 600 s per performance run
#     SHORT=1 Scripts/submission_demo.sh      about two minutes: the same commands with 64 samples and 15 s; no checker
#                                             accepts that, so it is not asked to
#
# What a broken-off invocation completed is kept by the next. PRODUCTS names the folder with host and libLlama2.so, WORK
# the folder for everything that is made (default: results/submission_demo).
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS

products=${PRODUCTS:-.build/release}
host=$products/host
short=${SHORT:-}
work=${WORK:-results/submission_demo${short:+_short}}
samples=24576
settings=(--plugin "$products/libLlama2.so" --config-path Plugins/Llama2/Configs --config-name submission_demo)
mkdir -p "$work"

say() { printf '\n== %s (%d s since the start)\n' "$*" $((SECONDS - started)); }

if [ -n "$short" ]; then
  samples=64
  # Two rules of llama2-70b are put aside: 24,576 samples, and 600 s.
  cat > "$work/user.conf.new" <<CONF
llama2-70b.*.performance_sample_count_override = $samples
llama2-70b.*.min_duration = 15000
llama2-70b.Offline.min_query_count = $samples
llama2-70b.Offline.target_qps = 400
llama2-70b.Server.target_qps = 40
CONF
  # An unchanged file keeps its time, which tells that the runs made with it still hold.
  cmp -s "$work/user.conf.new" "$work/user.conf" || cp "$work/user.conf.new" "$work/user.conf"
  rm "$work/user.conf.new"
  settings+=("harness_config.user_conf_path=$work/user.conf")
fi

say "$samples prompts"
if [ "$(wc -l 2> /dev/null < "$work/prompts.jsonl" || echo 0)" -ne "$samples" ]; then
  Plugins/Llama2/Demo/make_prompts.sh "$samples" 2026 > "$work/prompts.jsonl.new"
  mv "$work/prompts.jsonl.new" "$work/prompts.jsonl"
fi
settings+=("harness_config.dataset_path=$work/prompts.jsonl")

say "accuracy and performance, Server and Offline"
"$host" scenarios Server Offline "${settings[@]}" --division open --experiment "$work/experiment"

say "the submission's tree"
rm -rf "$work/submission" "$work/submission.unfinished"
"$host" submission prepare --experiment "$work/experiment" --output "$work/submission" --submitter Podium --division open

say "our check"
status=0
"$host" submission check "$work/submission" || status=$?
if [ -n "$short" ]; then
  [ "$status" -eq 0 ] || [ "$status" -eq 2 ] || exit "$status"
  say "done; our check ended with status $status, since a short submission breaks the rules of 24,576 samples and 600 s"
  exit 0
fi

say "the official checker"
Scripts/official_checker.sh "$work/submission" || status=$?
say "done, status $status"
exit "$status"
