#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# scripts/vm itself, which all other tests lean on: output, status, folders, and
# that a machine which dies is reported.
#
# kernels: host

. "$(dirname "$0")/lib.sh"

vm=$(realpath "$(dirname "$0")/../scripts/vm")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# run STATUS COMMAND…: whether the command ends with that status; keeps its output.
run() {
	wanted=$1
	shift
	"$@" > "$scratch/out" 2> "$scratch/err" < /dev/null
	got=$?
	[ "$got" = "$wanted" ] || note "status $got, not $wanted: $(tail -n 3 "$scratch/err")"
	[ "$got" = "$wanted" ]
}

test_kernel() {
	kernel=$1
	# In time enough to boot while others are at work, which goes on beside the tests.
	"$vm" --kernel "$kernel" --timeout 60 'echo begun; sleep 1000' > "$scratch/long" 2>&1 &
	long=$!

	run 42 "$vm" --kernel "$kernel" 'echo to stdout; echo to stderr >&2; exit 42'
	result $? "$kernel: the command's exit status"
	is "$(cat "$scratch/out")" 'to stdout' "$kernel: its stdout, and nothing else"
	is "$(cat "$scratch/err")" 'to stderr' "$kernel: its stderr, and nothing else"

	head -c 300000 /dev/urandom > "$scratch/bytes"
	run 0 "$vm" --kernel "$kernel" --share "$scratch" "cat '$scratch/bytes'"
	result $? "$kernel: a shared folder is seen"
	cmp -s "$scratch/bytes" "$scratch/out"
	result $? "$kernel: 300,000 random bytes come out as they are"
	# shellcheck disable=SC2094
	"$vm" --kernel "$kernel" --stdin 'cat' < "$scratch/bytes" | cmp -s - "$scratch/bytes"
	result $? "$kernel: and go in"

	run 0 "$vm" --kernel "$kernel" --share "$scratch" "echo written > '$scratch/file'; touch /tmp/x /run/x"
	result $? "$kernel: scratch and shared folders can be written"
	is "$(cat "$scratch/file")" written "$kernel: the host sees what was written"
	# shellcheck disable=SC2016 # to be expanded in the machine
	run 0 "$vm" --kernel "$kernel" '! touch /etc/x "$PWD/x" /usr/x 2> /dev/null && [ ! -e /etc/x ]'
	result $? "$kernel: other folders cannot"
	(cd "$scratch" && run 0 "$vm" --kernel "$kernel" pwd)
	is "$(cat "$scratch/out")" "$scratch" "$kernel: the current folder, below /tmp too"

	run 0 "$vm" --kernel "$kernel" 'sleep 1000 & (sleep 1000; echo late) & echo done'
	result $? "$kernel: what the command leaves running does not keep the machine up"
	is "$(cat "$scratch/out")" 'done' "$kernel: nor is its output waited for"
	run 143 "$vm" --kernel "$kernel" 'kill $$'
	result $? "$kernel: a command that a signal ended"
	run 125 "$vm" --kernel "$kernel" --append init=/nonexistent true
	result $? "$kernel: a kernel that panics"
	like "$(cat "$scratch/err")" 'Kernel panic' "$kernel: its log is shown"

	wait $long
	is $? 124 "$kernel: a machine that takes too long is ended"
	is "$(head -n 1 "$scratch/long")" begun "$kernel: what it wrote until then is not lost"
}

# Whether no process has these words on its command line. One that has just been killed
# may take a moment to go.
nobody_says() {
	# By a file, not to find grep itself.
	echo "$1" > "$scratch/words"
	tries=0
	# By what it prints: its status also tells of processes that went meanwhile.
	until found=$(grep -salFf "$scratch/words" /proc/[0-9]*/cmdline); [ -z "$found" ]; do
		[ $tries -lt 100 ] || return
		sleep 0.1
		tries=$((tries + 1))
	done
}

# A signal ends vm, its machine, and leaves nothing.
interrupted() {
	mkdir "$scratch/tmp"
	TMPDIR=$scratch/tmp "$vm" --kernel "$1" 'echo begun; sleep 1000' > "$scratch/out" 2>&1 &
	process=$!
	tries=0
	until grep -q begun "$scratch/out" || [ $tries = 600 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
	folder=$(echo "$scratch"/tmp/*)
	kill "$process"
	wait "$process"
	is $? 143 "$1: SIGTERM ends it"
	is "$(ls "$scratch/tmp")" '' "$1: its folder is removed"
	nobody_says "$folder"
	result $? "$1: no process is left"
	rmdir "$scratch/tmp"
}

for kernel in uml x86_64; do
	test_kernel "$kernel"
	interrupted "$kernel"
done
finish
