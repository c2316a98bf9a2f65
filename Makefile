# make demo   builds everything and runs Llama 2 on the demo model, Offline and Server
# make test   builds everything and runs the tests
# Both install what is missing.
# make submission-demo   an open-division submission of the demo model and MLCommons' checker on it: half an hour
# make bench-cpu   the CPU engine against llama.cpp: 20 minutes, and as many the first time
# make kernels   compiles the kernels of Llama 2 for gfx942, gfx950 and sm_90, prints their registers and occupancy, and puts
#                the code objects beside the plugin (needs pip); PLUGIN="libX.so --model DIR": those of another plugin
# make official-loadgen   builds MLCommons' LoadGen for `loadgen=official` from its source distribution (needs pip and g++)

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := build

# One configuration for everything: release, with testability, so that nothing is built twice.
SWIFT_FLAGS := -c release -Xswiftc -enable-testing
PRODUCTS := .build/release
HOST := $(PRODUCTS)/host
DEMO := --plugin libLlama2.so --config-path Plugins/Llama2/Configs

.PHONY: build setup kernels official-loadgen demo submission-demo test golden conform bench bench-cpu format lint clean

build: setup
	swift build $(SWIFT_FLAGS)
	swift build $(SWIFT_FLAGS) --build-tests

setup:
	@Scripts/setup.sh

PLUGIN ?= $(PRODUCTS)/libLlama2.so --config-path Plugins/Llama2/Configs --config-name conformance
kernels: setup
	swift build $(SWIFT_FLAGS) --product host
	swift build $(SWIFT_FLAGS) --product Llama2
	HOST=$(abspath $(HOST)) Scripts/kernels.sh --plugin $(PLUGIN)
	@ln -sfn libLlama2.kernels $(PRODUCTS)/host.kernels # the host's own kernels are of the same sources

official-loadgen:
	@Scripts/official_loadgen.sh

demo: setup
	swift build $(SWIFT_FLAGS) --product host
	swift build $(SWIFT_FLAGS) --product Llama2
	$(HOST) generate $(DEMO) --config-name demo_offline --count 4
	$(HOST) $(DEMO) --config-name demo_offline
	$(HOST) $(DEMO) --config-name demo_server

submission-demo: setup
	swift build $(SWIFT_FLAGS) --product host
	swift build $(SWIFT_FLAGS) --product Llama2
	PRODUCTS=$(PRODUCTS) Scripts/submission_demo.sh

# The tests compare with the official LoadGen where it can be built, and say where it cannot.
test: build
	@Scripts/official_loadgen.sh || echo "the official LoadGen is not built: the tests that need it are not run"
	@Scripts/test.sh

# The golden tests on another folder of the same layout: make golden GOLDEN=DIR
golden: build
	PODIUM_GOLDEN="$(abspath $(GOLDEN))" swift test $(SWIFT_FLAGS) --skip-build --no-parallel --filter 'Golden|LoadGenTests|Llama2RunTests|DatasetTests' 2>&1 | grep -E '^golden |error:|✘|Test run'

conform: build
	$(HOST) conform $(DEMO) --config-name conformance

bench: build
	Benchmarks/run.sh

# The CPU engine against llama.cpp with the same weights: the table of ratios. QUICK=1: a short form.
bench-cpu: setup
	swift build $(SWIFT_FLAGS) --product host
	swift build $(SWIFT_FLAGS) --product Llama2
	Benchmarks/run.sh cpu

format:
	swift format -i -r -p Sources Plugins Tests Benchmarks Examples Package.swift

lint:
	swift format lint --strict -r -p Sources Plugins Tests Benchmarks Examples Package.swift

clean:
	rm -rf .build results
