#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# scripts/vm itself, which all other tests lean on: output, status, folders, and
# that a machine which dies is reported.
#
# kernels: host

. "$(dirname "$0")/../lib/results.sh"

vm=$(realpath "$(dirname "$0")/../../scripts/vm")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# ends NAME STATUS COMMAND…: the command ends with that status; keeps its output.
ends() {
	name=$1 wanted=$2
	shift 2
	"$@" > "$scratch/out" 2> "$scratch/err" < /dev/null
	got=$?
	[ "$got" = "$wanted" ]
	result $? "$name"
	[ "$got" = "$wanted" ] || note "status $got, not $wanted; stderr: $(tail -n 20 "$scratch/err")"
}

# A machine's time: how much it takes until the command begins depends on what else this
# computer does, so the time is doubled until that is enough.
test_time() {
	kernel=$1
	# No machine boots in that.
	ends "$kernel: a machine that takes too long to boot is ended" 124 \
		"$vm" --kernel "$kernel" --timeout 0.01 true
	like "$(cat "$scratch/err")" 'before the command began' "$kernel: which is said"
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
	is "$(cat "$scratch/out")" begun "$kernel: what it wrote until then is not lost"
	like "$(cat "$scratch/err")" 'while the command ran' "$kernel: that it ran is said"
}

test_kernel() {
	kernel=$1

	ends "$kernel: the command's exit status" 42 \
		"$vm" --kernel "$kernel" 'echo to stdout; echo to stderr >&2; exit 42'
	is "$(cat "$scratch/out")" 'to stdout' "$kernel: its stdout, and nothing else"
	is "$(cat "$scratch/err")" 'to stderr' "$kernel: its stderr, and nothing else"

	head -c 300000 /dev/urandom > "$scratch/bytes"
	ends "$kernel: a shared folder is seen" 0 \
		"$vm" --kernel "$kernel" --share "$scratch" "cat '$scratch/bytes'"
	cmp -s "$scratch/bytes" "$scratch/out"
	result $? "$kernel: 300,000 random bytes come out as they are"
	# shellcheck disable=SC2094
	"$vm" --kernel "$kernel" --stdin 'cat' < "$scratch/bytes" | cmp -s - "$scratch/bytes"
	result $? "$kernel: and go in"

	ends "$kernel: scratch and shared folders can be written" 0 \
		"$vm" --kernel "$kernel" --share "$scratch" "echo written > '$scratch/file'; touch /tmp/x /run/x"
	is "$(cat "$scratch/file")" written "$kernel: the host sees what was written"
	# shellcheck disable=SC2016 # to be expanded in the machine
	ends "$kernel: other folders cannot" 0 \
		"$vm" --kernel "$kernel" '! touch /etc/x "$PWD/x" /usr/x 2> /dev/null && [ ! -e /etc/x ]'
	(cd "$scratch" && exec "$vm" --kernel "$kernel" pwd) > "$scratch/out" 2> "$scratch/err"
	is "$(cat "$scratch/out")" "$scratch" "$kernel: the current folder, below /tmp too"

	ends "$kernel: what the command leaves running does not keep the machine up" 0 \
		"$vm" --kernel "$kernel" 'sleep 1000 & (sleep 1000; echo late) & echo done'
	is "$(cat "$scratch/out")" 'done' "$kernel: nor is its output waited for"
	ends "$kernel: a command that a signal ended" 143 "$vm" --kernel "$kernel" 'kill $$'
	ends "$kernel: a kernel that panics" 125 "$vm" --kernel "$kernel" --append init=/nonexistent true
	like "$(cat "$scratch/err")" '^\[.*Kernel panic' "$kernel: its log is shown"
	like "$(tail -n 1 "$scratch/err")" '^vm: .*Kernel panic' "$kernel: and what it died of"
}

# Whether no process has these words on its command line. One that has just been killed
# may take a moment to go.
nobody_says() {
	# By a file, not to find grep itself.
	echo "$1" > "$scratch/words"
	tries=0
	# By what it prints: its status also tells of processes that went meanwhile.
	until found=$(grep -salFf "$scratch/words" /proc/[0-9]*/cmdline); [ -z "$found" ]; do
		[ $tries -lt 1000 ] || return
		sleep 0.1
		tries=$((tries + 1))
	done
}

# A signal ends vm, its machine, and leaves nothing.
interrupted() {
	mkdir "$scratch/tmp"
	TMPDIR=$scratch/tmp "$vm" --kernel "$1" 'echo begun; sleep 1000' > "$scratch/out" 2>&1 &
	process=$!
	# It ends by itself where the machine dies, or does not boot in its time.
	until grep -q begun "$scratch/out" || ! kill -0 $process 2> /dev/null; do
		sleep 0.1
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
	test_time "$kernel"
	interrupted "$kernel"
done
finish
