#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tests/run, in-machine and guest themselves: a failure is reported with what was
# noted, what failed is kept, and nothing passes because a program is missing.
#
# kernels: host

. "$(dirname "$0")/../lib/results.sh"

tests=$(realpath "$(dirname "$0")/..")
checkout=$(mktemp -d)
trap 'rm -rf "$checkout"' EXIT
kept=$checkout/build/tests/failed

# A checkout that has these tests alone.
mkdir -p "$checkout/tests/lib" "$checkout/tests/of_runner"
cp "$tests/run" "$checkout/tests"
cp -r "$tests/runner" "$checkout/tests"
cp "$tests/lib/results.sh" "$checkout/tests/lib"
ln -s "$tests/../scripts" "$checkout/scripts"

# test_file NAME KERNELS: a test of that name, with what comes in on stdin as its body.
test_file() {
	{
		printf '#!/bin/sh\n# kernels: %s\n' "$2"
		# shellcheck disable=SC2016 # to be expanded in the test
		echo '. "$(dirname "$0")/../lib/results.sh"'
		cat
	} > "$checkout/tests/of_runner/$1.sh"
	chmod +x "$checkout/tests/of_runner/$1.sh"
}

# run NAME…: runs those tests; `report` is what it prints.
run() {
	report=$("$checkout/tests/run" "$@" 2> "$checkout/stderr")
	status=$?
}

# says NAME PATTERN: a line of the part behind `Failures:` matches.
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

run good
is "$status $(echo "$report" | tail -n 1)" '0 1 passed, 0 failed' 'what passes, passes'
is "$(ls "$kept" 2> /dev/null)" '' 'of which nothing is kept'

run bad good
is "$status $(echo "$report" | tail -n 1)" '1 2 passed, 1 failed' 'what fails is counted'
says 'its name is in the report' '^  not ok 2 - one is two$'
says 'and what the test noted' '^  # expected: 2$'
says 'and the end of stderr' '^    a word on stderr$'
says 'and what was kept' "^  kept: build/tests/failed/host-of_runner-bad.sh-1.tap, .*-1.err\$"
like "$(cat "$kept/host-of_runner-bad.sh-1.tap")" '^not ok 2' 'which is what it printed'
is "$(cat "$kept/host-of_runner-bad.sh-1.err")" 'a word on stderr' 'to both'

run dies
is "$status $(echo "$report" | tail -n 1)" '1 1 passed, 1 failed' 'a test without a plan has failed'
says 'its status is in the report' '^host/of_runner/dies.sh: exit status 7; 1 results, no planned$'
says 'and its last result' '^    ok 1 - all is well$'
says 'and its last words' '^    last words$'
run killed
says 'so is the signal that ended one' '^host/of_runner/killed.sh: exit status 137;'

run many
lines=$(echo "$report" | sed '1,/^Failures:$/d' | wc -l)
[ "$lines" -le 55 ]
result $? 'a report is short'
says 'and counts what it leaves out' '^  … and 92 more failed results$'

for _ in $(seq 25); do
	run killed
done
is "$(find "$kept" -name '*.tap' | wc -l) $(find "$kept" -name '*.err' | wc -l)" '20 20' 'the last 20 are kept'
[ -e "$kept/host-of_runner-killed.sh-29.tap" ]
result $? 'by numbers that rise'

# In a machine, the tests of tests/guest: what is missing there is an empty file to it.
test_file machine uml << 'END'
result 0 'all is well'
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
test_file cut_log uml << 'END'
dmesg --clear
result $? 'the log has lost its beginning'
finish
END

run machine
is "$status $(echo "$report" | tail -n 1)" '0 3 passed, 0 failed' 'in a machine, what passes, passes'
for program in awk dmesg sleep; do
	run "no_$program"
	says "without $program the log is not clean" '^  not ok 3 - the kernel has nothing to complain of$'
done
run silent_dmesg
says 'an empty log is not clean' '^  # the log is not whole: 0 lines$'
run cut_log
says 'nor one whose beginning is lost' '^  # the log is not whole: '
run complains
says 'a complaint is in the report' '^  # .*WARNING: of the test$'
# This one begins before the test.
sed 's/^\tsed -u/\tmissing/' "$tests/runner/guest" > "$checkout/tests/runner/guest"
run machine
says 'without sed there is no plan' '^uml/of_runner/machine.sh: exit status 1; .* no planned$'
finish
