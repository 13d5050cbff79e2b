# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Shows how far a kernel build is. Sourced after common.sh.

# progress WHAT STEPS: reads make's output, of which STEPS lines are expected, and prints
# the progress: each second on a terminal, or else every 30 seconds.
progress() {
	local steps=0 shown=-30 interval=30 now left='' end='\n'
	if [ -t 2 ]; then
		end='\r' interval=1
	fi
	SECONDS=0
	while read -r _; do
		steps=$((steps + 1))
		now=$SECONDS
		[ $((now - shown)) -ge $interval ] || continue
		shown=$now
		if [ "$now" -ge 10 ] && [ "$steps" -lt "$2" ]; then
			left=$((now * ($2 - steps) / steps))
			left=", about $(((left + 59) / 60)) minutes left"
		fi
		printf "taskmonitor: $1: %d of about %d steps%s   $end" "$steps" "$2" "$left" >&2
	done
	[ "$end" = '\n' ] || echo >&2
}
