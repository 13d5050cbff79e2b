#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The unit tests inside the module run when it is loaded; each is one result here.
#
# kernels: uml
# boot: --append kunit.autorun=1

. "$(dirname "$0")/../lib/results.sh"

ok 'the module loads' load
ran=0
# A case stands four spaces deep in the log, its suite at the margin.
while IFS= read -r line; do
	ran=$((ran + 1))
	case $line in
	'    ok '*) result 0 "unit test ${line#    ok * }" ;;
	*) result 1 "unit test ${line#    not ok * }" ;;
	esac
done << END
$(dmesg --notime | grep -E '^    (not )?ok [0-9]+ ')
END
# With none there is still the empty line.
[ "$ran" -gt 1 ]
result $? 'there are unit tests'
ok 'the module unloads' unload
finish
