#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit tests of the module, which run when it is loaded. Each is one result here.
#
# kernels: uml
# boot: --append kunit.autorun=1

. "$(dirname "$0")/../lib/results.sh"

if [ ! -d /sys/kernel/debug/kunit ]; then
	skip 'the unit tests of the module' 'no CONFIG_KUNIT'
	finish
fi
ok 'the module loads' load
ran=0
# In the log, a test case is indented by four spaces; the line of its suite is not indented.
while IFS= read -r line; do
	ran=$((ran + 1))
	case $line in
	'    ok '*) result 0 "unit test ${line#    ok * }" ;;
	*) result 1 "unit test ${line#    not ok * }" ;;
	esac
done << END
$(dmesg --notime | grep -E '^    (not )?ok [0-9]+ ')
END
# Without test cases, the loop still runs once, for the empty line.
[ "$ran" -gt 1 ]
result $? 'the module has unit tests'
ok 'the module unloads' unload
finish
