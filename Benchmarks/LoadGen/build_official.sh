#!/usr/bin/env bash
# Builds the peer program: official.cc with the official LoadGen, whose sources and objects Scripts/official_loadgen.sh provides.
#
# Usage: build_official.sh FOLDER      leaves FOLDER/official; exits with 2 and a reason on stderr where it cannot
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=${1:?usage: build_official.sh FOLDER}
mkdir -p "$folder"
built=$root/.build/official

"$root/Scripts/official_loadgen.sh" "$built"
cd "$folder"
library=$built/libofficial_loadgen.so
if [ ! -x official ] || [ "$here/official.cc" -nt official ] || [ "$library" -nt official ]; then
  compiler=${CXX:-$(command -v g++ || command -v c++)}
  sources=$(ls -d "$built"/mlcommons_loadgen-*/ | tail -n 1)
  # Everything but the shim of the shared library.
  objects=()
  for object in "$built"/objects/*.o; do
    [ "$(basename "$object")" = official_loadgen.o ] || objects+=("$object")
  done
  "$compiler" -std=c++14 -O3 -DNDEBUG -pthread -I "$sources" "$here/official.cc" "${objects[@]}" -o official.new \
    2>compile.log || {
    echo "compiling the official LoadGen's program failed; see $folder/compile.log" >&2
    exit 2
  }
  mv official.new official
fi
