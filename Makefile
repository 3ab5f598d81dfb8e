# SPDX-License-Identifier: GPL-2.0-or-later
# The front door: short words for what Meson, Ninja and the scripts in tools/ do.
#
#   make           installs what the build needs (apt), builds into build/
#   make run       builds, makes a small Debian disk and boots it at this terminal
#   make test      builds, unit tests (also under ASan and UBSan), gates, short guests
#   make test-all  the same with the long guests
#   make lint      the gates alone        make fmt    clang-format in place
#   make bench     Lodge beside QEMU: BENCH=cpu or BENCH=boot for one of the two
#   make clean     removes what was built
#   make install   DESTDIR= PREFIX=

BUILD ?= build
PREFIX ?= /usr/local
BENCH ?= boot cpu
SETUP_FLAGS := --buildtype=debugoptimized
export LODGE_BUILD := $(BUILD)

all: build

# A word for people and scripts: everything below is phony, Ninja knows the rest.
.PHONY: all build configure run test test-all lint fmt bench clean install setup-%

setup-%:
	@tools/setup.sh $*

configure: setup-build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) $(SETUP_FLAGS) --prefix=$(PREFIX)

build: configure
	@ninja -C $(BUILD)

run: build setup-run
	@tools/demo.sh

# LODGE_NO_GUESTS=1 leaves the real systems out.
test: setup-build setup-test
	@python3 tools/test.py

test-all: setup-build setup-test
	@python3 tools/test.py --all

lint: configure setup-test
	@python3 tools/test.py --only=gates --tidy=all

fmt: setup-test
	@git ls-files '*.[ch]' | xargs clang-format -i

# BENCH_FLAGS go to the scripts. The 32-bit program is left out when it cannot be built.
bench: build setup-bench
	@tools/setup.sh bench32 || echo "bench: without the 32-bit compiler"
	@set -e; for b in $(BENCH); do python3 bench/$$b.py $(BENCH_FLAGS); done

install: build
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild

clean:
	@rm -rf build build-asan
	@echo "removed build, build-asan (downloads and disks stay in .cache)"
