# The one interface to this repository. Each target is a short list of commands that can be read.
.PHONY: run test test-agents test-durability simulate model check check-core fmt bench bench-quick bench-scale fuzz demo docs clean setup build

# One configuration for everything: what is tested is what is run.
SWIFT_BUILD = swift build -c release
WEIR_BIN ?= .build/release/weir
export WEIR_BIN := $(abspath $(WEIR_BIN))
export SWIFT_BACKTRACE ?= enable=no

run: setup
	$(SWIFT_BUILD) --product weir
	sh scripts/run.sh

setup:
	@sh scripts/setup.sh

build: setup
	$(SWIFT_BUILD) --build-tests

test: build
	swift test -c release --skip-build --skip 'ProxyTests|SimulationTests'
	# By themselves: a server's time limits mean nothing while property tests hold every core.
	swift test -c release --skip-build --filter 'ProxyTests|SimulationTests'
	node --test Tests/opencode/*.test.mjs
	sh Tests/conformance/venv.sh
	# A file keeps its server, and several files run side by side: most of their time is waiting.
	.venv-conformance/bin/python -m pytest -q -n 4 --dist loadfile Tests/conformance
	python3 Tests/durability/harness.py --kills 20 --seed 1
	python3 Tests/durability/harness.py --kills 12 --seed 2 --budgets strict
	python3 Tests/durability/faults.py
	python3 Benchmarks/instructions.py
	python3 Benchmarks/ledger.py
	python3 Benchmarks/limits.py
	sh Models/check.sh

test-agents: build
	sh Tests/agents/venv.sh
	.venv-agents/bin/python -m pytest -q -n 3 Tests/agents

test-durability: build
	python3 Tests/durability/harness.py --kills 300 --seed 1
	python3 Tests/durability/harness.py --kills 60 --seed 3 --routes
	python3 Tests/durability/harness.py --kills 100 --seed 3 --budgets strict
	python3 Tests/durability/harness.py --kills 40 --seed 4 --budgets elastic
	python3 Tests/durability/harness.py --kills 40 --seed 5 --routes

# Histories of a node's limits under chance, many more than `test` tries.
simulate: build
	WEIR_SEEDS=$(or $(SEEDS),100000) swift test -c release --skip-build --filter LimitSimulationTests

# The protocol of limits on two nodes, every reachable state.
model:
	sh Models/check.sh

check:
	swift format lint --strict --recursive --configuration .swift-format Package.swift Sources Tests

check-core:
	WEIR_PART=core swift test --scratch-path .build-core

fmt:
	swift format -i --recursive --configuration .swift-format Package.swift Sources Tests

bench: setup
	$(SWIFT_BUILD) --product weir
	python3 Benchmarks/bench.py

bench-quick: setup
	$(SWIFT_BUILD) --product weir
	python3 Benchmarks/bench.py --quick

bench-scale: setup
	$(SWIFT_BUILD) --product weir
	python3 Benchmarks/scale.py

fuzz:
	sh Fuzz/run-all.sh $(or $(SECONDS_EACH),60)

demo: setup
	$(SWIFT_BUILD) --product weir
	sh scripts/run.sh --demo

docs: build
	WEIR_REGENERATE=1 swift test -c release --skip-build --filter DocumentationTests

clean:
	rm -rf .build .build-* weir-data .venv-*
