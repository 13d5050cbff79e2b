# SPDX-License-Identifier: GPL-2.0
#
# Commands after `taskmon record`, PIDs, names, units and cgroups.

# Prints the words of the command that is recorded, but for the one that is completed. Fails if that
# one is before the command.
function __fish_taskmon_recorded
    __fish_taskmon_using_subcommand record
    or return 1
    set -l words (commandline -opc)[3..]
    set -l with_value @record-options-with-values@
    while set -q words[1]
        set -l word $words[1]
        if test "$word" = --
            set -q words[2]
            and printf '%s\n' $words[2..]
            return 0
        else if not string match -q -- '-*' $word
            printf '%s\n' $words
            return 0
        end
        set -e words[1]
        if contains -- $word $with_value
            set -q words[1]
            or return 1
            set -e words[1]
        end
    end
    not string match -q -- '-*' (commandline -ct)
end

# Completes the command, as if it were alone.
function __fish_taskmon_command
    set -l words (__fish_taskmon_recorded) (commandline -ct)
    complete -C (string join ' ' -- (string escape -- $words[1..-2]) $words[-1])
end

# Prints the candidates of a kind; of the watched tasks, if they are to be removed.
function __fish_taskmon_candidates -a kind
    if contains -- $kind pids names; and __fish_taskmon_using_subcommand remove
        set kind watched-$kind
    end
    set -l word (commandline -ct | string replace -r '^--[a-z]+=' '')
    taskmon candidates $kind $word 2>/dev/null
end

# Of a list with commas, completes the last element.
function __fish_taskmon_list -a kind
    set -l before (commandline -ct | string match -r '^(?:--[a-z]+=|-p)?(.*,)')[2]
    for candidate in (__fish_taskmon_candidates $kind)
        echo $before$candidate
    end
end

function __fish_taskmon_pids_or_names
    switch (commandline -ct)
        case '-*'
        case '0*' '1*' '2*' '3*' '4*' '5*' '6*' '7*' '8*' '9*'
            __fish_taskmon_candidates pids
        case '*'
            __fish_taskmon_candidates names
    end
end

complete -c taskmon -n "__fish_taskmon_using_subcommand add remove" -f -a "(__fish_taskmon_pids_or_names)"
complete -c taskmon -n __fish_taskmon_recorded -f -a "(__fish_taskmon_command)"
