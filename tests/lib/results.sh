# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# For tests in shell: results in KTAP, the module's files. A test sources this file first and
# calls `finish` last; a test that does not call it has failed.

ours=/sys/kernel/taskmonitor
history=/sys/kernel/debug/taskmonitor
statistics=/sys/kernel/debug/taskmonitor_stats
export ours history statistics

results=0
failures=0
echo 'KTAP version 1'

# result STATUS NAME
result() {
	results=$((results + 1))
	if [ "$1" = 0 ]; then
		echo "ok $results - $2"
	else
		failures=$((failures + 1))
		echo "not ok $results - $2"
	fi
}

note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

# ok NAME COMMAND…: reports whether the command succeeds.
ok() {
	name=$1
	shift
	output=$("$@" 2>&1)
	status=$?
	result $status "$name"
	[ $status = 0 ] || note "$* gave $status: $output"
}

# fails NAME PATTERN COMMAND…: the command fails, and its output matches PATTERN (grep -E).
fails() {
	name=$1 pattern=$2
	shift 2
	if output=$("$@" 2>&1); then
		result 1 "$name"
		note "$* succeeded: $output"
	else
		like "$output" "$pattern" "$name"
	fi
}

# is GOT EXPECTED NAME
is() {
	if [ "$1" = "$2" ]; then
		result 0 "$3"
	else
		result 1 "$3"
		note "     got: $1"
		note "expected: $2"
	fi
}

# like GOT PATTERN NAME: a line of GOT matches PATTERN (grep -E).
like() {
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then
		result 0 "$3"
	else
		result 1 "$3"
		note "    got: $1"
		note "pattern: $2"
	fi
}

# skip NAME REASON
skip() {
	results=$((results + 1))
	echo "ok $results - $1 # SKIP $2"
}

finish() {
	echo "1..$results"
	[ "$failures" = 0 ]
	exit
}

# load [PARAMETER=VALUE…]
load() {
	insmod "$TASKMONITOR_KO" "$@"
}

unload() {
	rmmod taskmonitor
}

# statistic NAME: prints its value.
statistic() {
	sed -n "s/^$1 //p" "$statistics"
}
