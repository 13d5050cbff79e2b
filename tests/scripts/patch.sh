#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# make patch: the series applies to the kernel's source, checkpatch has no complaint, and the
# kernel that is built from it has the module built in: it takes parameters at boot, runs its
# unit tests, and no parameter stops the boot. The selftests run with the kernel's own runner.
#
# kernels: host

. "$(dirname "$0")/../lib/results.sh"

checkout=$(realpath "$(dirname "$0")/../..")
scripts=$checkout/scripts
source=$("$scripts/kernels/get-source")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
series=$scratch/series
tree=$scratch/tree

export GIT_AUTHOR_NAME='A Tester' GIT_AUTHOR_EMAIL=tester@example.org

# --- The patches ---------------------------------------------------------------

# Prints what checkpatch complains about. It finds its kernel tree by the current folder.
complaints() {
	for patch in "$series"/*.patch; do
		(cd "$source" && perl scripts/checkpatch.pl --strict --quiet --no-summary "$patch" 2>&1)
	done
}

# Prints the differences between the module's source and the source in the tree, without those
# of in-tree.patch.
differences() {
	cp -r "$tree/drivers/misc/taskmonitor" "$scratch/module"
	(cd "$scratch/module" && git apply --reverse "$scripts/patch/in-tree.patch") 2>&1
	for file in "$checkout"/*.rs; do
		diff "$file" "$scratch/module"
		folder=${file%.rs}
		[ ! -d "$folder" ] || diff -r "$folder" "$scratch/module/${folder##*/}"
	done
}

test_series() {
	# Empty values hide what git's files say.
	fails 'without an author, no series is written' 'the patches need an author' \
		env -u GIT_AUTHOR_NAME -u GIT_AUTHOR_EMAIL GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=user.name \
		GIT_CONFIG_VALUE_0= GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1= \
		"$scripts/patch/write-series" "$source" "$scratch/none"
	ok 'and no file' [ ! -e "$scratch/none" ]
	ok 'the series is written' "$scripts/patch/write-series" "$source" "$series"
	count=$(find "$series" -name '*.patch' ! -name '0000-*' | wc -l)
	is "$(grep -l "^Signed-off-by: A Tester <tester@example.org>$" "$series"/*.patch | wc -l)" \
		"$count" "$count patches have the author's name"
	is "$(grep -c '\*\*\*' "$series/0000-cover-letter.patch")" 0 'the cover letter is filled in'
	ok 'git am applies the series' "$scripts/patch/apply" "$series" "$source" "$tree"
	is "$(git -C "$tree" rev-list --count HEAD)" $((count + 1)) 'each patch is a commit'
	is "$(complaints)" '' 'checkpatch --strict has no complaint'
	is "$(differences)" "Only in $checkout/abstractions: compat.rs" \
		"the module's source in the tree is that of the checkout"
}

# --- The kernel with the module built in ---------------------------------------

# boot PARAMETERS COMMAND: runs the command on that kernel. Keeps its output.
boot() {
	"$scripts/vm" --kernel in-tree --cpus 1 --append "$1" "$2" > "$scratch/out" 2> "$scratch/err" < /dev/null
}

# boots NAME PARAMETERS COMMAND: the machine boots, and the command succeeds.
boots() {
	boot "$2" "$3"
	status=$?
	result $status "$1"
	[ $status = 0 ] || note "status $status: $(tail -n 20 "$scratch/err")"
}

# What dmesg does not show: the messages from before the command.
boot_log="dd if=/dev/kmsg iflag=nonblock bs=8192 2> /dev/null | sed 's/^[^;]*;//'"

test_boot() {
	boots 'the kernel boots with the module' taskmonitor.period_ms=20 \
		'cat /sys/module/taskmonitor/parameters/period_ms && test -f /sys/kernel/taskmonitor'
	is "$(cat "$scratch/out")" 20 'its parameter is that of the command line'

	boots 'the log of a boot' kunit.autorun=1 "$boot_log"
	mv "$scratch/out" "$scratch/log"
	suites=$(sed -n 's/.*kunit_tests(\(taskmonitor_[a-z_]*\)).*/\1/p' "$checkout"/*.rs "$checkout"/*/*.rs)
	ok 'the source has KUnit suites' [ -n "$suites" ]
	for suite in $suites; do
		like "$(cat "$scratch/log")" "^ok [0-9]+ $suite\$" "the unit tests $suite pass at boot"
	done

	boots 'the kernel boots with a value that is out of range' taskmonitor.period_ms=0 \
		"cat /sys/module/taskmonitor/parameters/period_ms; $boot_log"
	is "$(head -n 1 "$scratch/out")" 100 'the parameter keeps its default'
	like "$(cat "$scratch/out")" "invalid for parameter .taskmonitor\.period_ms'" 'the log has a line about it'
}

test_first_target() {
	boots 'the first process is watched, with all that it forks' 'taskmonitor.pid=1 taskmonitor.tree=1' \
		"sleep 0.5; cat /sys/kernel/debug/taskmonitor; echo shell \$\$"
	like "$(cat "$scratch/out")" '^pid:1 num:[1-9]' 'it is sampled'
	shell=$(sed -n 's/^shell //p' "$scratch/out")
	like "$(cat "$scratch/out")" "^pid:$shell num:0 " 'a descendant is sampled'

	boots 'the kernel boots if there is no task of that PID' taskmonitor.pid=99999 \
		"test ! -e /sys/kernel/taskmonitor && $boot_log"
	like "$(cat "$scratch/out")" '^taskmonitor: no task with PID 99999' 'the log has a line about it'
	boots 'the kernel boots if tree=1 has no PID' taskmonitor.tree=1 \
		"test ! -e /sys/kernel/taskmonitor && $boot_log"
	like "$(cat "$scratch/out")" '^taskmonitor: tree=1 requires pid' 'the log has a line about it'
}

# --- The selftests -------------------------------------------------------------

# selftest KERNEL TEST: runs one of them with the kernel's own runner. The current folder is
# visible in the machine, wherever it is.
selftest() {
	(cd "$selftests" && exec "$scripts/vm" --kernel "$1" --cpus 1 --append kunit.autorun=0 \
		"make --no-print-directory -C taskmonitor TEST_PROGS=$2 run_tests") \
		> "$scratch/out" 2> "$scratch/err" < /dev/null
}

test_selftests() {
	selftests=$("$scripts/kernel" in-tree)-source/tools/testing/selftests
	selftest uml short_writes.py
	like "$(cat "$scratch/out")" '^ok 1 selftests: taskmonitor: short_writes\.py$' 'a selftest passes'
	selftest in-tree short_writes.py
	like "$(cat "$scratch/out")" '^ok 1 selftests: taskmonitor: short_writes\.py$' \
		'it passes where the module is built in'
}

test_series
test_boot
test_first_target
test_selftests
finish
