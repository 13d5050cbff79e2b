#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# scripts/vm, which all other tests use: output, exit status, folders, time limits, and
# the report about a machine that dies.
#
# kernels: host

. "$(dirname "$0")/../lib/results.sh"

vm=$(realpath "$(dirname "$0")/../../scripts/vm")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# ends NAME STATUS COMMAND…: the command ends with that status. Keeps its output.
ends() {
	name=$1 wanted=$2
	shift 2
	"$@" > "$scratch/out" 2> "$scratch/err" < /dev/null
	got=$?
	[ "$got" = "$wanted" ]
	result $? "$name"
	[ "$got" = "$wanted" ] || note "status $got, not $wanted; stderr: $(tail -n 20 "$scratch/err")"
}

# Time limits. How long a machine takes until the command begins depends on the load of
# this host, so the limit is doubled until it suffices.
test_time() {
	kernel=$1
	# No machine boots in this time.
	ends "$kernel: a machine that takes too long to boot is ended" 124 \
		"$vm" --kernel "$kernel" --timeout 0.01 true
	like "$(cat "$scratch/err")" 'before the command began' "$kernel: the message says that the command had not begun"
	seconds=10
	while
		"$vm" --kernel "$kernel" --timeout $seconds 'echo begun; sleep 1000000' \
			> "$scratch/out" 2> "$scratch/err"
		status=$?
		grep -q 'before the command began' "$scratch/err" && [ $seconds -lt 1000 ]
	do
		seconds=$((seconds * 2))
	done
	is $status 124 "$kernel: a command that takes too long is ended"
	is "$(cat "$scratch/out")" begun "$kernel: its output until then is printed"
	like "$(cat "$scratch/err")" 'while the command ran' "$kernel: the message says that the command had begun"
}

test_kernel() {
	kernel=$1

	ends "$kernel: the command's exit status" 42 \
		"$vm" --kernel "$kernel" 'echo to stdout; echo to stderr >&2; exit 42'
	is "$(cat "$scratch/out")" 'to stdout' "$kernel: stdout is that of the command, and nothing else"
	is "$(cat "$scratch/err")" 'to stderr' "$kernel: stderr is that of the command, and nothing else"

	head -c 300000 /dev/urandom > "$scratch/bytes"
	ends "$kernel: a shared folder can be read" 0 \
		"$vm" --kernel "$kernel" --share "$scratch" "cat '$scratch/bytes'"
	cmp -s "$scratch/bytes" "$scratch/out"
	result $? "$kernel: 300,000 random bytes on stdout are unchanged"
	# shellcheck disable=SC2094
	"$vm" --kernel "$kernel" --stdin 'cat' < "$scratch/bytes" | cmp -s - "$scratch/bytes"
	result $? "$kernel: and so they are on stdin"

	ends "$kernel: scratch and shared folders can be written" 0 \
		"$vm" --kernel "$kernel" --share "$scratch" "echo written > '$scratch/file'; touch /tmp/x /run/x"
	is "$(cat "$scratch/file")" written "$kernel: the host can read what was written"
	# shellcheck disable=SC2016 # to be expanded in the machine
	ends "$kernel: other folders cannot be written" 0 \
		"$vm" --kernel "$kernel" '! touch /etc/x "$PWD/x" /usr/x 2> /dev/null && [ ! -e /etc/x ]'
	(cd "$scratch" && exec "$vm" --kernel "$kernel" pwd) > "$scratch/out" 2> "$scratch/err"
	is "$(cat "$scratch/out")" "$scratch" "$kernel: the current folder is the same, also below /tmp"

	ends "$kernel: background processes do not keep the machine running" 0 \
		"$vm" --kernel "$kernel" 'sleep 1000 & (sleep 1000; echo late) & echo done'
	is "$(cat "$scratch/out")" 'done' "$kernel: their output is not waited for"
	ends "$kernel: a command that is killed by a signal: 128 + signal" 143 "$vm" --kernel "$kernel" 'kill $$'
	ends "$kernel: a kernel panic gives status 125" 125 "$vm" --kernel "$kernel" --append init=/nonexistent true
	like "$(cat "$scratch/err")" '^\[.*Kernel panic' "$kernel: the kernel log is printed"
	like "$(tail -n 1 "$scratch/err")" '^vm: .*Kernel panic' "$kernel: the last line has the reason of the panic"
}

# no_process_with TEXT: no process has the text in its command line. A process that has
# just been killed may take a moment to disappear.
no_process_with() {
	# The text is in a file so that grep does not find itself.
	echo "$1" > "$scratch/text"
	tries=0
	# Its output counts: its status also depends on processes that end meanwhile.
	until found=$(grep -salFf "$scratch/text" /proc/[0-9]*/cmdline); [ -z "$found" ]; do
		[ $tries -lt 1000 ] || return
		sleep 0.1
		tries=$((tries + 1))
	done
}

# A signal ends vm and its machine, and nothing is left.
interrupted() {
	mkdir "$scratch/tmp"
	TMPDIR=$scratch/tmp "$vm" --kernel "$1" 'echo begun; sleep 1000' > "$scratch/out" 2>&1 &
	process=$!
	# vm ends by itself if the machine dies or does not boot in time.
	until grep -q begun "$scratch/out" || ! kill -0 $process 2> /dev/null; do
		sleep 0.1
	done
	folder=$(echo "$scratch"/tmp/*)
	kill "$process"
	wait "$process"
	is $? 143 "$1: SIGTERM ends it"
	is "$(ls "$scratch/tmp")" '' "$1: its folder is removed"
	no_process_with "$folder"
	result $? "$1: no process is left"
	rmdir "$scratch/tmp"
}

# Debian's own kernel runs the same vm-init. In one boot: its initramfs, and the module.
test_debian() {
	release=$(cat "$("$(dirname "$vm")/kernel" debian)/include/config/kernel.release")
	# shellcheck disable=SC2016 # to be expanded in the machine
	"$vm" --kernel debian --stdin --share "$scratch" '
		scratch=$(cat)
		uname -r
		insmod "$TASKMONITOR_KO" pid=1 && grep -m 1 -o "^pid:1 " /sys/kernel/taskmonitor
		touch "$scratch/written" && ! touch /etc/x /usr/x 2> /dev/null && echo read-only >&2
		exit 42' << END > "$scratch/out" 2> "$scratch/err"
$scratch
END
	is $? 42 "debian: the command's exit status"
	is "$(cat "$scratch/out")" "$release
pid:1 " "debian: the kernel is that of the package, and takes the module"
	is "$(cat "$scratch/err")" read-only "debian: only shared folders can be written"
	[ -e "$scratch/written" ]
	result $? "debian: the host can read what was written"
}

for kernel in uml x86_64; do
	test_kernel "$kernel"
	test_time "$kernel"
	interrupted "$kernel"
done
test_debian
finish
