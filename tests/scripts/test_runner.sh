#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tests/run, tests/matrix and tests/runner/ themselves: a failure is reported with its notes, the
# output of failed runs is kept, and no result is "ok" because a program is missing.
#
# kernels: host

. "$(dirname "$0")/../lib/results.sh"

tests=$(realpath "$(dirname "$0")/..")
checkout=$(mktemp -d)
trap 'rm -rf "$checkout"' EXIT
kept=$checkout/build/tests/failed

# A checkout that has only the tests made below.
mkdir -p "$checkout/tests/lib" "$checkout/tests/of_runner"
cp "$tests/run" "$tests/matrix" "$checkout/tests"
cp -r "$tests/runner" "$checkout/tests"
cp "$tests/lib/results.sh" "$checkout/tests/lib"
ln -s "$tests/../scripts" "$checkout/scripts"

# test_file NAME KERNELS [KERNELS ON DEMAND]: makes a test of that name; stdin is its body.
test_file() {
	{
		printf '#!/bin/sh\n# kernels: %s\n# on demand: %s\n' "$2" "${3-}"
		# shellcheck disable=SC2016 # to be expanded in the test
		echo '. "$(dirname "$0")/../lib/results.sh"'
		cat
	} > "$checkout/tests/of_runner/$1.sh"
	chmod +x "$checkout/tests/of_runner/$1.sh"
}

# run NAME…: runs those tests. Sets `report` to the output and `status`.
run() {
	report=$("$checkout/tests/run" "$@" 2> "$checkout/stderr")
	status=$?
}

# says NAME PATTERN: a line after `Failures:` matches.
says() {
	like "$(echo "$report" | sed '1,/^Failures:$/d')" "$2" "$1"
}

test_file good host << 'END'
result 0 'all is well'
finish
END
test_file bad host << 'END'
result 0 'all is well'
is 1 2 'one is two'
echo 'a word on stderr' >&2
finish
END
test_file dies host << 'END'
result 0 'all is well'
echo 'last words' >&2
exit 7
END
test_file killed host << 'END'
kill -KILL $$
END
test_file many host << 'END'
for number in $(seq 100); do
	result 1 "result $number"
	note "$(seq 100)"
	seq 100 >&2
done
finish
END

test_file elsewhere nowhere 'matrix host' << 'END'
result 0 'all is well'
finish
END
run elsewhere
is "$status" 1 'a kernel that does not exist: the test has failed'
says 'the report says why' '^    taskmonitor: there is no kernel .nowhere.'
run host/elsewhere
is "$status $(echo "$report" | tail -n 1)" '0 1 passed, 0 failed' 'a kernel on demand is used if it is named'
like "$("$checkout/tests/run" gcc/no_such_test 2>&1)" "no test 'gcc/no_such_test'" \
	'a test that does not exist is an error'
rm -r "$checkout/tests/of_runner/elsewhere.sh" "$kept"

run good
is "$status $(echo "$report" | tail -n 1)" '0 1 passed, 0 failed' 'a test that passes is counted'
is "$(ls "$kept" 2> /dev/null)" '' 'a test that passes: nothing is kept'

run bad good
is "$status $(echo "$report" | tail -n 1)" '1 2 passed, 1 failed' 'a test that fails is counted'
says 'the report names the failed result' '^  not ok 2 - one is two$'
says 'the report has its notes' '^  # expected: 2$'
says 'the report has the end of stderr' '^    a word on stderr$'
says 'the report names the kept files' "^  kept: build/tests/failed/host-of_runner-bad.sh-1.tap, .*-1.err\$"
like "$(cat "$kept/host-of_runner-bad.sh-1.tap")" '^not ok 2' 'stdout is kept'
is "$(cat "$kept/host-of_runner-bad.sh-1.err")" 'a word on stderr' 'stderr is kept'

run dies
is "$status $(echo "$report" | tail -n 1)" '1 1 passed, 1 failed' 'a test without a plan has failed'
says 'the report has its exit status' '^host/of_runner/dies.sh: exit status 7; 1 results, no planned$'
says 'the report has its last result' '^    ok 1 - all is well$'
says 'the report has its last line on stderr' '^    last words$'
run killed
says 'the report shows that a signal ended a test' '^host/of_runner/killed.sh: exit status 137;'

run many
lines=$(echo "$report" | sed '1,/^Failures:$/d' | wc -l)
is "$((lines <= 55))" 1 'a report is short'
says 'a short report counts what it leaves out' '^  … and 92 more failed results$'

for _ in $(seq 25); do
	run killed
done
is "$(find "$kept" -name '*.tap' | wc -l) $(find "$kept" -name '*.err' | wc -l)" '20 20' 'the last 20 failed runs are kept'
is "$(cd "$kept" && echo host-of_runner-killed.sh-29.*)" \
	'host-of_runner-killed.sh-29.err host-of_runner-killed.sh-29.tap' 'their numbers rise'

# In a virtual machine, the results of tests/runner/in-machine. A program is hidden by an empty
# file that is mounted over it.
test_file machine uml << 'END'
result 0 'all is well'
finish
END
test_file skips uml << 'END'
ok 'the module loads' load
skip 'one' 'no wheel'
skip 'another' 'no wheel'
finish
END
# Two kernels: one cannot be used.
report=$("$checkout/tests/matrix" nowhere uml 2> "$checkout/stderr")
is $? 1 'a kernel that cannot be used: the matrix has failed'
table=$(cat "$checkout/build/matrix.md")
is "$(echo "$report" | tail -n 6)" "$table" 'the matrix ends with the table, which is also in a file'
like "$table" "^| nowhere |.*| not tried: taskmonitor: there is no kernel 'nowhere'" \
	'its row says why, and the other kernel is tried'
like "$table" '^[|] uml [|] [0-9]+[.][0-9.]+ .*[|] clang [0-9.]+ [|] [0-9.]+ [|] 6 [|] 0 [|] 2: no wheel [(]2[)] [|]$' \
	'a row has release, compilers and the numbers of results, with reasons for skipped ones'

test_file no_rmmod uml << 'END'
ok 'the module loads' load
mount --bind /dev/null "$(realpath "$(command -v rmmod)")"
result $? 'rmmod is hidden'
finish
END
for program in awk dmesg sleep; do
	test_file "no_$program" uml << END
mount --bind /dev/null "\$(realpath "\$(command -v $program)")"
result \$? 'it is hidden'
finish
END
done
test_file silent_dmesg uml << 'END'
mount --bind /bin/true "$(realpath "$(command -v dmesg)")"
result $? 'it says nothing'
finish
END
test_file complains uml << 'END'
echo 'WARNING: of the test' > /dev/kmsg
result $? 'the log has a warning'
finish
END
test_file lockdep_off uml << 'END'
echo ' debug_locks: 0' > /tmp/stats
mount --bind /tmp/stats /proc/lockdep_stats
result $? 'lockdep is off'
finish
END
test_file cut_log uml << 'END'
dmesg --clear
result $? 'the log has lost its beginning'
finish
END

run machine
is "$status $(echo "$report" | tail -n 1)" '0 3 passed, 0 failed' 'in a virtual machine, a test that passes is counted'
run no_rmmod
says 'a module that cannot be unloaded is reported' '^  not ok 3 - the module unloads and leaves nothing$'
for program in awk dmesg sleep; do
	run "no_$program"
	says "without $program the log is not accepted" '^  not ok 3 - the kernel log has no complaint$'
done
run silent_dmesg
says 'an empty log is not accepted' '^  # the log is not whole: 0 lines$'
run cut_log
says 'a log whose beginning is lost is not accepted' '^  # the log is not whole: '
run lockdep_off
says 'lockdep that is off is reported' '^  # lockdep has turned itself off$'
run complains
says 'the report has the complaint of the kernel' '^  # .*WARNING: of the test$'
# sed is started before the test: it is hidden by another name in in-machine.
sed 's/^\tsed -u/\tmissing/' "$tests/runner/in-machine" > "$checkout/tests/runner/in-machine"
run machine
says 'without sed the test has no plan' '^uml/of_runner/machine.sh: exit status 1; .* no planned$'
finish
