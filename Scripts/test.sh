#!/usr/bin/env bash
# Runs the tests that are built, then prints the seconds of each suite, longest first.
set -uo pipefail

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# One test at a time: two cores are what the kernels and the timing of runs want for themselves.
SWIFT_BACKTRACE=enable=no swift test -c release -Xswiftc -enable-testing --skip-build --no-parallel 2>&1 | tee "$log" |
  grep -vE '^(◇|golden |✔ Test )'
status=${PIPESTATUS[0]}

echo
echo "seconds per suite:"
grep -oE 'Suite .* (passed|failed) after [0-9.]+ seconds' "$log" |
  sed -E 's/Suite (.*) (passed|failed) after ([0-9.]+) seconds/\3 \2 \1/' | sort -rn | awk '{printf "%9.2f  %s\n", $1, substr($0, index($0, $2))}'
echo
grep -E '^golden ' "$log" | awk '{ if ($0 ~ /not run/) skipped++; else if ($0 ~ /passed/) passed++; else failed++ }
  END { printf "golden cases: %d passed, %d failed, %d not run\n", passed, failed, skipped }'
grep -E '^golden .*not run' "$log" | sort -u
grep -E 'Test run with' "$log" | tail -1
exit "$status"
