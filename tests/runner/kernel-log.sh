# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# What in-machine searches after a test: leaks that kmemleak reports, complaints in the kernel
# log, for example of the sanitizers, and whether lockdep still works. $1 is the name of the
# test.

# The log is written to this file.
log=/tmp/log

# Messages of the kernel about errors.
complaints='KASAN|KCSAN|UBSAN|WARNING:|BUG[: ]|INFO: |Oops|refcount_t|'\
'possible (circular|recursive|irq)|inconsistent lock|suspicious RCU|sleeping function|'\
'blocked for more than|rcu.*(stall|detected)|'\
'scheduling while atomic|list_(add|del) corruption|Objects remaining|general protection|'\
'Unable to handle|CFI failure|panicked at|cache is already destroyed|leaked'
# Messages of fault injection, which tests cause on purpose.
harmless='FAULT_INJECTION|should_fail|VM_FAULT_OOM leaked'

# Lines in the kernel log before and after the test: if one is missing, the log is not whole.
begin="taskmonitor test: $1 begins"
end="taskmonitor test: $1 has ended"

begin_log() {
	echo "$begin" > /dev/kmsg
}

# Prints the leaks. kmemleak reports an object that is some seconds old and to which two
# scans have found no pointer. Objects that user-mode Linux allocated at boot are ignored.
find_leaks() {
	[ -w /sys/kernel/debug/kmemleak ] || return 0
	# A kernel that the test has locked down does not allow this.
	case $(cat /sys/kernel/security/lockdown 2> /dev/null) in
	*'[integrity]'* | *'[confidentiality]'*) return 0 ;;
	esac
	echo scan > /sys/kernel/debug/kmemleak || return
	sleep 5.5 || return
	echo scan > /sys/kernel/debug/kmemleak || return
	echo scan > /sys/kernel/debug/kmemleak || return
	awk 'BEGIN { RS = "unreferenced object" }
		NR > 1 && !/comm "(swapper|init)/ { printf "%s", RS $0 }' /sys/kernel/debug/kmemleak
}

# lockdep turns itself off at its first report, which may be one about the rest of the kernel at
# boot. Then it finds nothing in the test.
find_lockdep_off() {
	[ -e /proc/lockdep_stats ] || return 0
	while read -r name value; do
		[ "$name" != debug_locks: ] || [ "$value" = 1 ] || echo 'lockdep has turned itself off'
	done < /proc/lockdep_stats
}

# Races in the rest of the kernel are ignored. The title of a report names the functions:
# those of the module, and the C helpers that Rust calls, count.
is_of_others='KCSAN: (assert: )?(data-)?race in '
is_ours='[[]taskmonitor[]]| rust_helper_'

# Prints each complaint with the lines after it.
find_complaints() {
	echo "$end" > /dev/kmsg || return
	dmesg > "$log" || return
	awk -v complaints="$complaints" -v harmless="$harmless" -v others="$is_of_others" \
		-v ours="$is_ours" -v begin="$begin" -v end="$end" '
		index($0, begin) { has_begun = 1 }
		index($0, end) { has_ended = 1 }
		$0 ~ complaints && $0 !~ harmless && ($0 !~ others || $0 ~ ours) { shown = NR + 40 }
		NR <= shown && printed++ < 200
		END {
			if (!has_begun || !has_ended)
				print "the log is not whole: " NR " lines"
		}' "$log"
}
