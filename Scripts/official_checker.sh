#!/usr/bin/env bash
# MLCommons' own submission checker on a tree.
#
#     Scripts/official_checker.sh TREE [ROUND]          ROUND: v6.0 (default) or v6.1
#
# INFERENCE names a checkout of mlcommons/inference; without it, one is made in CHECKER (default: .build/official_checker)
# from GitHub, and kept.  PYTHON names a Python 3 that has pandas, openpyxl, pyyaml and numpy; without it, a virtual
# environment with them is made in CHECKER.  Nothing of either becomes part of this project.
# Exit status: 0 the checker accepts the tree, 1 it rejects it, 64 wrong arguments, 69 no checker can be had.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
repository=https://github.com/mlcommons/inference
commit=b66003e1      # the checker that `host submission check` was written against

[ $# -ge 1 ] && [ -d "$1" ] || { sed -n '4s/^# *//p' "$0"; exit 64; }
tree=$(cd "$1" && pwd)
round=${2:-v6.0}
checker=${CHECKER:-$here/.build/official_checker}
unavailable() { echo "official_checker.sh: $*" >&2; exit 69; }

inference=${INFERENCE:-$checker/inference}
if [ -z "${INFERENCE:-}" ] && [ ! -d "$inference/tools/submission/submission_checker" ]; then
  mkdir -p "$checker"
  rm -rf "$inference"
  git clone --quiet --filter=blob:none --no-checkout "$repository" "$inference" ||
    unavailable "cannot clone $repository; name a checkout with INFERENCE"
  git -C "$inference" sparse-checkout set --no-cone '/tools/submission/*' '!/tools/submission/directory_structure_samples/'
  git -C "$inference" checkout --quiet "$commit" || unavailable "has no commit $commit: $inference"
fi
[ -d "$inference/tools/submission/submission_checker" ] ||
  unavailable "no tools/submission/submission_checker in $inference; name a checkout of mlcommons/inference with INFERENCE"

python=${PYTHON:-$checker/venv/bin/python}
if ! "$python" -c 'import pandas, openpyxl, yaml, numpy' 2> /dev/null; then
  [ -z "${PYTHON:-}" ] || unavailable "$python lacks pandas, openpyxl, pyyaml or numpy"
  { python3 -m venv "$checker/venv" && "$python" -m pip install --quiet pandas openpyxl pyyaml numpy; } ||
    unavailable "cannot install pandas, openpyxl, pyyaml and numpy; name a Python that has them with PYTHON"
fi

log=$(mktemp)
trap 'rm -f "$log" "$log.csv"' EXIT
status=0
(cd "$inference" && "$python" -m tools.submission.submission_checker.main \
  --input "$tree" --version "$round" --csv "$log.csv") > "$log" 2>&1 || status=1
# What it says of files that it loads is left out.
grep -vE ' INFO\] (Loading|Could not load|Sucessfully|Starting|All |Target|TTFT|Compliance tests|---)|Execution of check .* skipped|^$' "$log" || true
if [ $status -eq 0 ]; then echo "accepted by the official checker, round $round"; else echo "rejected by the official checker, round $round"; fi
exit $status
