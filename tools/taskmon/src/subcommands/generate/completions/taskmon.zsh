# SPDX-License-Identifier: GPL-2.0
#
# Values that are known only at the time: the actions of the function above call these, with
# options for compadd.

# _taskmon_candidates KIND OPTION…: adds candidates. A line is one, with its description after a tab.
_taskmon_candidates() {
    local kind=$1 line
    local -a found shown
    shift
    for line in ${(f)"$(taskmon candidates $kind "$PREFIX" 2> /dev/null)"}; do
        found+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  }")
    done
    compadd "$@" -l -d shown -a found
}

# Of the watched tasks, if they are to be removed.
_taskmon_watched() {
    [[ $curcontext == *:taskmon-command-remove:* ]] && print watched-
}

_taskmon_pids() {
    compset -P '*,'
    _taskmon_candidates "$(_taskmon_watched)pids" "$@" -q -S,
}

_taskmon_ids() {
    compset -P '*,'
    _taskmon_candidates ids "$@" -q -S,
}

_taskmon_names() {
    _taskmon_candidates "$(_taskmon_watched)names" "$@"
}

_taskmon_pids_or_names() {
    if [[ $PREFIX == [0-9]* ]]; then
        _taskmon_candidates "$(_taskmon_watched)pids" "$@"
    else
        _taskmon_names "$@"
    fi
}

_taskmon_units() {
    _taskmon_candidates units "$@"
}

_taskmon_cgroups() {
    _taskmon_candidates cgroups "$@" -S ''
}
