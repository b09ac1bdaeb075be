# SPDX-License-Identifier: BSD-3-Clause
# The front door.  Meson and Ninja do the work; `make help` lists the targets.

BUILD ?= build
MESON_FLAGS ?=

.DEFAULT_GOAL := all
.PHONY: all run test fuzz bench install clean format help deps-build deps-test

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja: | deps-build
	@meson setup $(BUILD) $(MESON_FLAGS) >$(BUILD).log 2>&1 || \
		{ cat $(BUILD).log; rm -f $(BUILD).log; exit 1; }
	@mv $(BUILD).log $(BUILD)/setup.log

deps-build:
	@scripts/install-deps build

deps-test:
	@scripts/install-deps build test

run: all
	@$(BUILD)/cli/virq run $(ARGS)

test: deps-test
	@scripts/run-tests $(BUILD) $(SUITES)

fuzz: deps-test $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet tests/fuzz/sources && \
		tests/fuzz/run-fuzz $(BUILD)

bench: all
	@$(BUILD)/cli/virq bench $(ARGS)

install: all
	@meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

help:
	@echo 'make            build the library and the tool (build/cli/virq)'
	@echo 'make run        the main job: a guest, devices, interrupts, a table'
	@echo '                (ARGS="--irqchip split --json" passes options on)'
	@echo 'make test       everything, also under sanitizers and in the QEMU lab'
	@echo '                (SUITES="unit race" takes a part)'
	@echo 'make fuzz       coverage-guided fuzzing, FUZZ_SECONDS a target'
	@echo 'make bench      latency and cost of every path beside its peers'
	@echo 'make install    library, headers, pkg-config file, tool, man pages'
	@echo '                (DESTDIR is honoured)'
	@echo 'make format     clang-format over the tree'
	@echo 'make clean      remove the build directories'
