#!/usr/bin/env bash
# Fetches the sources of MLCommons' LoadGen from PyPI and builds the shared library behind `loadgen=official`.
# Nothing of theirs is kept in the repository.
#
# Usage: official_loadgen.sh [FOLDER]      FOLDER: default .build/official of this checkout
#
# Leaves in FOLDER: libofficial_loadgen.so, the sources (mlcommons_loadgen-VERSION) and their objects (objects/*.o).
# Exits with 2 and a one-line reason on stderr where it cannot.  Does nothing where everything is there.
# CXX: the compiler; it must use libstdc++ of GCC 11 or later, whose random numbers every plan is made of.
set -euo pipefail

version=6.0.17
hash=a2e85d09e3cc0c606f89bfe1fbf97537c8b5b238ae0afbd923ad9c710fcf2ca8
root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$root/.build/official}
interface=$root/Sources/COfficialLoadGen
mkdir -p "$folder"
cd "$folder"

missing() {
  echo "$1" >&2
  exit 2
}

library=libofficial_loadgen.so
sources=mlcommons_loadgen-$version
is_current() {
  [ -f "$library" ] && [ -d "$sources" ] && [ -d objects ] || return 1
  local input
  for input in "$interface/shim/official_loadgen.cc" "$interface/include/official_loadgen.h" "$root/Scripts/official_loadgen.sh"; do
    [ ! "$input" -nt "$library" ] || return 1
  done
}
is_current && exit 0

compiler=${CXX:-$(command -v g++ || command -v c++ || true)}
[ -n "$compiler" ] || missing "no C++ compiler; install g++"
if [ ! -d "$sources" ]; then
  if [ ! -f "$sources.tar.gz" ]; then
    python3 -m pip --version >/dev/null 2>&1 || missing "no pip to fetch mlcommons-loadgen with; install python3-pip"
    echo "mlcommons-loadgen==$version --hash=sha256:$hash" >requirements.txt
    # Only to have the archive: pip asks the package for its name before it hands it over, which builds nothing.
    python3 -m pip --retries 1 --timeout 15 download --quiet --no-deps --no-binary mlcommons-loadgen \
      -r requirements.txt >pip.log 2>&1 ||
      missing "pip could not fetch mlcommons-loadgen $version: $(tail -n 1 pip.log)"
  fi
  echo "$hash  $sources.tar.gz" | sha256sum --check --status || missing "$folder/$sources.tar.gz is not the known archive"
  rm -rf unpacked
  mkdir unpacked
  tar xzf "$sources.tar.gz" -C unpacked
  mv "unpacked/$sources" "$sources"
  rmdir unpacked
fi

# The flags of their setup.py, as position-independent code that exports nothing by itself.
flags=(-std=c++14 -O3 -DNDEBUG -pthread -fPIC -fvisibility=hidden -I "$sources" -I "$interface/include")
files=({early_stopping,issue_query_controller,loadgen,logging,test_settings_internal,utils,version,results}.cc)
files=("${files[@]/#/$sources/}" "$sources/generated/version_generated.cc" "$interface/shim/official_loadgen.cc")
rm -rf objects
mkdir objects
compile() {
  "$compiler" "${flags[@]}" -c "$1" -o "objects/$(basename "$1" .cc).o"
}
pids=()
: >compile.log
for file in "${files[@]}"; do
  while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n || true; done
  compile "$file" 2>>compile.log &
  pids+=($!)
done
for pid in "${pids[@]}"; do
  wait "$pid" || missing "compiling the official LoadGen failed; see $folder/compile.log"
done
"$compiler" -shared -pthread -Wl,-Bsymbolic objects/*.o -o "$library.new" 2>>compile.log ||
  missing "linking the official LoadGen failed; see $folder/compile.log"
mv "$library.new" "$library"
