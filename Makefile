# SPDX-License-Identifier: GPL-2.0
#
# The targets of make. scripts/ does the work. The kernel's build system reads Kbuild, not
# this file.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
OUT = build/$(or $(shell cat '$(KDIR)/include/config/kernel.release' 2> /dev/null),$(KVER))

all: module taskmon ## build module and taskmon (the default)

module: ## build taskmonitor.ko, for the running kernel or that of KVER= or KDIR=
	@scripts/kbuild '$(KDIR)' $(OUT) modules
	@cp $(OUT)/taskmonitor.ko .

taskmon: ## build the program build/taskmon/taskmon
	@scripts/taskmon

install: all ## install module, program, manual pages, completions (PREFIX=, DESTDIR=)
	@scripts/install '$(KDIR)' $(OUT)

uninstall: ## remove what `make install` has installed
	@scripts/install --remove

dkms: ## copy the sources to /usr/src, for dkms
	@scripts/dkms

clean: ## remove everything that was built in this folder
	rm -rf build taskmonitor.ko rust-project.json

demo: ## show the module at work, in a virtual machine
	@scripts/setup
	@scripts/taskmon > /dev/null
	@rm -rf build/demo && mkdir -p build/demo
	@kernel=$$(scripts/kernels/quickest) && scripts/vm --kernel $$kernel --share build/demo scripts/demo

shell: ## open a shell in a virtual machine with the module loaded
	@scripts/setup
	@scripts/taskmon > /dev/null
	@kernel=$$(scripts/kernels/quickest) && scripts/vm --kernel $$kernel --interactive scripts/shell

test: ## run all tests, or those of T="NAME…"
	@scripts/setup uml x86_64 debian in-tree
	@scripts/taskmon > /dev/null
	@tests/run $(T)

matrix: ## run the main tests on many kernels, or on those of K="NAME…", and print a table
	@scripts/setup
	@scripts/taskmon > /dev/null
	@tests/matrix $(K)

kcsan: ## run the tests that look for data races, on a kernel with KCSAN
	@scripts/setup kcsan
	@tests/run $(addprefix kcsan/,races fork_tracking)

soak: ## repeat the test of races with new seeds, for MINUTES=… (default: 10)
	@scripts/setup uml
	@tests/soak $(or $(MINUTES),10)

bench: ## measure the cost, compared with other methods
	@scripts/setup x86_64
	@bench/run

check: ## check formatting, lints and the rules in CONTRIBUTING.md
	@scripts/check

patch: ## write the module as a patch series for the kernel's tree into build/patch
	@scripts/patch/write-series "$$(scripts/kernels/get-source)" build/patch

rust-analyzer: ## write rust-project.json, for editors
	@scripts/setup x86_64
	@scripts/rust-analyzer

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

.PHONY: all module taskmon install uninstall dkms clean demo shell test matrix kcsan soak bench check patch rust-analyzer help
