# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Completes commands after `taskmon record`, PIDs, names, units and cgroups, and calls the function
# above for all else.

_taskmon() {
	local cur=$2 prev=$3 subcommand=${COMP_WORDS[1]-} at kind
	# bash takes `--name=value` for three words.
	if [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	elif [[ $cur == = ]]; then
		cur=
	fi
	COMPREPLY=()
	if [[ $subcommand == record ]] && at=$(_taskmon_command_at); then
		_taskmon_command "$at"
		return
	fi
	kind=$(_taskmon_kind)
	if [[ -z $kind ]]; then
		_taskmon_generated "$@"
		return
	fi
	_taskmon_candidates "$kind"
	# The name of a folder is completed further.
	[[ $kind != cgroups ]] || compopt -o nospace
}

# Prints the position of the first word of the command that is recorded. Fails if the word that is
# completed is before it.
_taskmon_command_at() {
	local at
	for ((at = 2; at < COMP_CWORD; at++)); do
		case ${COMP_WORDS[at]} in
		--)
			echo $((at + 1))
			return
			;;
		@record-options-with-values@)
			at=$((at + 1))
			[[ ${COMP_WORDS[at]} != = ]] || at=$((at + 1))
			;;
		-*) ;;
		*)
			echo "$at"
			return
			;;
		esac
	done
	[[ $at == "$COMP_CWORD" && $cur != -* ]] && echo "$at"
}

# Completes the command whose first word has the position $1, as if it were alone.
_taskmon_command() {
	if declare -F _comp_command_offset > /dev/null; then
		_comp_command_offset "$1"
	elif declare -F _command_offset > /dev/null; then
		_command_offset "$1"
	elif [[ $1 == "$COMP_CWORD" && $cur != */* ]]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur" | sort -u)
	fi
	# In all other cases, bash completes file names.
}

# Prints the kind of value that is completed; nothing if it is not one of ours.
_taskmon_kind() {
	local watched=
	case $subcommand in
	add | record) ;;
	remove) watched=watched- ;;
	*) return ;;
	esac
	case $prev in
	-p | --pid) echo "${watched}pids" ;;
	--name) echo "${watched}names" ;;
	--unit) echo units ;;
	--cgroup) echo cgroups ;;
	--id) echo ids ;;
	*)
		case $cur in
		-*) ;;
		[0-9]*) echo "${watched}pids" ;;
		*) echo "${watched}names" ;;
		esac
		;;
	esac
}

# Completes a value of the kind $1. Of a list with commas, it completes the last element.
_taskmon_candidates() {
	local candidate before='' word=$cur
	case $1 in
	*pids | ids)
		word=${cur##*,}
		before=${cur%"$word"}
		;;
	esac
	# A line is a candidate, and a description after a tab.
	while IFS=$'\t' read -r candidate _; do
		[[ $candidate != "$word"* ]] || COMPREPLY+=("$before$(printf %q "$candidate")")
	done < <(taskmon candidates "$1" "$word" 2> /dev/null)
}
