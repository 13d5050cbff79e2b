# SPDX-License-Identifier: GPL-2.0
#
# What one can ask for; the work is done in scripts/. The kernel's own build system
# reads Kbuild instead.

KDIR ?= /lib/modules/$(shell uname -r)/build
OUT = build/$(or $(shell cat '$(KDIR)/include/config/kernel.release' 2> /dev/null),kernel)

all: module taskmon ## both of these:

module: ## build taskmonitor.ko for the kernel of KDIR (default: the running one)
	@scripts/kbuild '$(KDIR)' $(OUT) modules
	@cp $(OUT)/taskmonitor.ko .

taskmon: ## build the program to use it with, build/taskmon/taskmon
	@scripts/taskmon

install: all ## install module, program, manual, completions (PREFIX=, DESTDIR=)
	@scripts/install '$(KDIR)' $(OUT)

uninstall: ## remove all of that
	@scripts/install --remove

dkms: ## put the sources where dkms finds them
	@scripts/dkms

clean: ## remove what was built in this folder
	rm -rf build taskmonitor.ko rust-project.json

demo: ## see it at work on a real kernel in a virtual machine
	@scripts/setup x86_64
	@scripts/taskmon > /dev/null
	@rm -rf build/demo && mkdir -p build/demo
	@scripts/vm --share build/demo scripts/demo

shell: ## a shell in that machine, the module loaded
	@scripts/setup x86_64
	@scripts/taskmon > /dev/null
	@scripts/vm --interactive scripts/shell

test: ## run all tests, or those of T="name…"
	@scripts/setup uml x86_64
	@scripts/taskmon > /dev/null
	@tests/run $(T)

kcsan: ## the races, on a kernel that finds data races
	@scripts/setup kcsan
	@tests/run $(addprefix kcsan/,races family)

soak: ## the races test, again and again with new seeds, for MINUTES=…
	@scripts/setup uml
	@tests/soak $(or $(MINUTES),10)

bench: ## measure what it costs, beside what others cost
	@scripts/setup x86_64
	@bench/run

check: ## formatting, lints, and the rules of the house
	@scripts/check

rust-analyzer: ## make editors understand the code (rust-project.json)
	@scripts/setup x86_64
	@scripts/rust-analyzer

help: ## this list
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

.PHONY: all module taskmon install uninstall dkms clean demo shell test kcsan soak bench check rust-analyzer help
