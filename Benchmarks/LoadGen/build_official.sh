#!/usr/bin/env bash
# Fetches the sources of the official LoadGen from PyPI and builds the peer program.  Nothing of theirs is kept in the
# repository.
#
# Usage: build_official.sh FOLDER      leaves FOLDER/official; exits with 2 and a reason on stderr where it cannot
set -euo pipefail

version=6.0.17
hash=a2e85d09e3cc0c606f89bfe1fbf97537c8b5b238ae0afbd923ad9c710fcf2ca8
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?usage: build_official.sh FOLDER}
mkdir -p "$folder"
cd "$folder"

missing() {
  echo "$1" >&2
  exit 2
}

sources=mlcommons_loadgen-$version
compiler=${CXX:-$(command -v g++ || command -v c++ || true)}
[ -n "$compiler" ] || missing "no C++ compiler; install g++"
if [ ! -d "$sources" ]; then
  if [ ! -f "$sources.tar.gz" ]; then
    python3 -m pip --version >/dev/null 2>&1 || missing "no pip to fetch mlcommons-loadgen with; install python3-pip"
    echo "mlcommons-loadgen==$version --hash=sha256:$hash" >requirements.txt
    # Only to have the archive: pip asks the package for its name before it hands it over, which builds nothing.
    python3 -m pip download --quiet --no-deps --no-binary mlcommons-loadgen -r requirements.txt >pip.log 2>&1 ||
      missing "pip could not fetch mlcommons-loadgen $version: $(tail -n 1 pip.log)"
  fi
  echo "$hash  $sources.tar.gz" | sha256sum --check --status || missing "$folder/$sources.tar.gz is not the known archive"
  tar xzf "$sources.tar.gz"
fi

if [ ! -x official ] || [ "$here/official.cc" -nt official ]; then
  files=({early_stopping,issue_query_controller,loadgen,logging,test_settings_internal,utils,version,results}.cc)
  "$compiler" -std=c++14 -O3 -DNDEBUG -pthread -I "$sources" "$here/official.cc" "${files[@]/#/$sources/}" \
    "$sources/generated/version_generated.cc" -o official.new 2>compile.log ||
    missing "compiling the official LoadGen failed; see $folder/compile.log"
  mv official.new official
fi
