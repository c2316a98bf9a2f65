#!/usr/bin/env bash
# Builds llama.cpp for this machine: the peer of Benchmarks/LlamaCpp/run.py.  Its sources come with llama-cpp-python
# from PyPI, whose hash is checked; nothing of them is kept in the repository.
#
# Usage: build.sh FOLDER      leaves in FOLDER: llamacpp-driver (driver.cpp), limits (limits.c), version.txt
#
# Exits with 2 and a one-line reason on stderr where it cannot.  Does nothing where everything is there.
# CXX, CC: the compilers, default g++ and gcc.  JOBS: compilations at the same time, default one per core.
set -euo pipefail

version=0.3.36
hash=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?usage: build.sh FOLDER}"
cd "$1"
folder=$PWD

missing() {
  echo "$1" >&2
  exit 2
}

is_current() {
  local built
  for built in llamacpp-driver limits version.txt tools/ready; do
    [ -e "$built" ] || return 1
  done
  [ ! "$here/driver.cpp" -nt llamacpp-driver ] && [ ! "$here/limits.c" -nt limits ] &&
    [ ! "$here/build.sh" -nt llamacpp-driver ] && grep -q "$version" version.txt
}
is_current && exit 0

export CC=${CC:-$(command -v gcc || command -v cc || true)} CXX=${CXX:-$(command -v g++ || command -v c++ || true)}
[ -n "$CC" ] && [ -n "$CXX" ] || missing "no C++ compiler; install g++"
if [ ! -e tools/ready ]; then
  python3 -m venv tools >tools.log 2>&1 || missing "no Python environment in $folder/tools: $(tail -n 1 tools.log)"
  tools/bin/pip --retries 1 --timeout 30 install --quiet cmake ninja >tools.log 2>&1 ||
    missing "pip could not fetch cmake and ninja: $(tail -n 1 tools.log)"
  touch tools/ready
fi

archive=llama_cpp_python-$version
if [ ! -d "$archive" ]; then
  if [ ! -f "$archive.tar.gz" ]; then
    echo "llama-cpp-python==$version --hash=sha256:$hash" >requirements.txt
    # Only to have the archive: pip asks the package for its name before it hands it over, which builds nothing.
    tools/bin/pip --retries 1 --timeout 60 download --quiet --no-deps --no-binary llama-cpp-python -r requirements.txt \
      >pip.log 2>&1 || missing "pip could not fetch llama-cpp-python $version: $(tail -n 1 pip.log)"
  fi
  echo "$hash  $archive.tar.gz" | sha256sum --check --status || missing "$folder/$archive.tar.gz is not the known archive"
  rm -rf unpacked
  mkdir unpacked
  tar xzf "$archive.tar.gz" -C unpacked
  mv "unpacked/$archive" "$archive"
  rmdir unpacked
fi
sources=$folder/$archive/vendor/llama.cpp

# Release, every instruction of this machine, their own threads (OpenMP), their own kernels: the CPU build they recommend.
tools/bin/cmake -S "$sources" -B build -G Ninja -DCMAKE_MAKE_PROGRAM="$folder/tools/bin/ninja" -DCMAKE_BUILD_TYPE=Release \
  -DGGML_NATIVE=ON -DGGML_BLAS=OFF -DBUILD_SHARED_LIBS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
  -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_TOOLS_INSTALL=OFF -DGGML_CCACHE=OFF \
  >cmake.log 2>&1 || missing "cmake refuses llama.cpp; see $folder/cmake.log"
tools/bin/cmake --build build --target llama --parallel "${JOBS:-$(nproc)}" >make.log 2>&1 ||
  missing "building llama.cpp failed; see $folder/make.log"
mapfile -t archives < <(find build -name 'lib*.a' | sort)
"$CXX" -std=c++17 -O2 -fopenmp -I "$sources/include" -I "$sources/ggml/include" "$here/driver.cpp" -o llamacpp-driver.new \
  -Wl,--start-group "${archives[@]}" -Wl,--end-group -pthread -ldl 2>compile.log ||
  missing "compiling driver.cpp failed; see $folder/compile.log"
"$CC" -O3 -march=native -pthread "$here/limits.c" -o limits.new -lm 2>compile.log ||
  missing "compiling limits.c failed; see $folder/compile.log"
echo "llama-cpp-python $version, $("$CXX" --version | head -n 1)" >version.txt
mv limits.new limits
mv llamacpp-driver.new llamacpp-driver
