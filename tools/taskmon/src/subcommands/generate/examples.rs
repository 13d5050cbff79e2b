// SPDX-License-Identifier: GPL-2.0

//! The examples in the man pages.

/// For each page: what the example does, and the command line.
const EXAMPLES: &[(&str, &str, &str)] = &[
    (
        "taskmon",
        "Record a build, and see who used the CPU when:",
        "taskmon record -o build.rec -- make -j4",
    ),
    (
        "taskmon",
        "See who used the CPU in the last minute of it:",
        "taskmon report build.rec --since -1min",
    ),
    (
        "taskmon",
        "Plot the recording:",
        "taskmon plot build.rec -o build.svg",
    ),
    (
        "taskmon",
        "Watch a service with its descendants from now on:",
        "taskmon add --tree --unit nginx.service",
    ),
    (
        "taskmon",
        "See what the watched tasks do now:",
        "taskmon top",
    ),
    (
        "taskmon",
        "Export what was sampled so far, for a spreadsheet:",
        "taskmon export -f csv -o samples.csv",
    ),
    (
        "taskmon-record",
        "Run a command and record it with all its descendants, 50 times a second:",
        "taskmon record -i 20ms -o build.rec -- make -j4",
    ),
    (
        "taskmon-record",
        "Record a running service for a minute:",
        "taskmon record --unit nginx.service --duration 60s -o nginx.rec",
    ),
    (
        "taskmon-record",
        "Record two processes, without their descendants, until both have ended:",
        "taskmon record -p 812,815 --alone",
    ),
    (
        "taskmon-record",
        "Record the whole machine until Ctrl-C is pressed:",
        "taskmon record -a -i 1s -o machine.rec",
    ),
    (
        "taskmon-record",
        "Record a script with everything that it leaves running, and write the summary for a program:",
        "taskmon record --wait-all --json --summary job.json -- ./job.sh",
    ),
    (
        "taskmon-top",
        "Show the watched tasks, with two refreshes per second:",
        "taskmon top -d 0.5",
    ),
    (
        "taskmon-top",
        "See who waits most for a CPU:",
        "taskmon top --sort wait",
    ),
    (
        "taskmon-report",
        "See who used the CPU at ten past three, and who waited for it:",
        "taskmon report night.rec --since 03:05 --until 03:15",
    ),
    (
        "taskmon-report",
        "See what each process used together with its descendants:",
        "taskmon report build.rec --by tree",
    ),
    (
        "taskmon-report",
        "See which processes waited longest for a CPU, of all that is in the module:",
        "taskmon report --sort wait",
    ),
    (
        "taskmon-report",
        "See what each thread of a process used:",
        "taskmon report server.rec --threads",
    ),
    (
        "taskmon-report",
        "Write what each command used to a file for a spreadsheet:",
        "taskmon report build.rec --by command --csv > commands.csv",
    ),
    (
        "taskmon-diff",
        "See which commands of a build use more CPU time than before:",
        "taskmon diff before.rec after.rec",
    ),
    (
        "taskmon-diff",
        "Compare compilers of different versions with each other:",
        "taskmon diff gcc-14.rec gcc-15.rec --by stem",
    ),
    (
        "taskmon-plot",
        "Plot ten minutes of the night, by cgroup:",
        "taskmon plot night.rec --stacked --group cgroup --since 03:05 --until 03:15 -o night.svg",
    ),
    (
        "taskmon-top",
        "See what ran at ten past three:",
        "taskmon top night.rec --at 03:10",
    ),
    (
        "taskmon-plot",
        "Write a web page, in which one can zoom:",
        "taskmon plot build.rec --html build.html",
    ),
    (
        "taskmon-plot",
        "Plot a recording; the file's extension selects the format:",
        "taskmon plot build.rec -o build.svg",
    ),
    (
        "taskmon-plot",
        "Plot each process of a recording in a panel of its own:",
        "taskmon plot build.rec --panels --width 1200 -o build.png",
    ),
    (
        "taskmon-plot",
        "Plot what the module has of two watched tasks:",
        "taskmon plot 812 815 --title 'web server' -o web.svg",
    ),
    (
        "taskmon-export",
        "Write the samples of a recording as comma-separated values:",
        "taskmon export -f csv -o build.csv build.rec",
    ),
    (
        "taskmon-export",
        "Convert a recording for the Perfetto trace viewer:",
        "taskmon export -f perfetto -o build.json build.rec",
    ),
    (
        "taskmon-export",
        "Count the samples of each command, of all watched tasks:",
        "taskmon export -f json | jq -r .command | sort | uniq -c",
    ),
    (
        "taskmon-export",
        "Write the totals of all watched tasks for node_exporter:",
        "taskmon export -f openmetrics -o /var/lib/prometheus/node-exporter/taskmonitor.prom",
    ),
    (
        "taskmon-add",
        "Watch a process, and all processes with a name:",
        "taskmon add 812 nginx",
    ),
    (
        "taskmon-add",
        "Watch the workers of a service, its living descendants and those to come:",
        "taskmon add --tree --unit php-fpm.service",
    ),
    (
        "taskmon-add",
        "Watch what is in a cgroup and below it now:",
        "taskmon add --cgroup system.slice/docker.service",
    ),
    (
        "taskmon-add",
        "Watch all processes and kernel threads of the machine:",
        "taskmon add --all",
    ),
    (
        "taskmon-add",
        "Watch the processes whose name is a number:",
        "taskmon add --name 7700",
    ),
    (
        "taskmon-remove",
        "Stop watching a process and those that are followed because of it:",
        "taskmon remove --tree 812",
    ),
    (
        "taskmon-remove",
        "Forget all tasks of a name, also those that have ended:",
        "taskmon remove make",
    ),
    (
        "taskmon-remove",
        "Forget one task by its id, even if its PID has been used again:",
        "taskmon remove --id 41",
    ),
    (
        "taskmon-remove",
        "Forget all tasks that have ended:",
        "taskmon remove --ended",
    ),
    (
        "taskmon-list",
        "Show the watched tasks:",
        "taskmon list",
    ),
    (
        "taskmon-list",
        "Show the tasks that a signal has ended:",
        "taskmon list --json | jq '.[] | select(.status != null and .status % 128 != 0)'",
    ),
    (
        "taskmon-list",
        "Find the task that has used most CPU time:",
        "taskmon list --json | jq 'max_by(.usr_us + .sys_us)'",
    ),
    (
        "taskmon-list",
        "Find the tasks that have waited longer for a CPU than they have had one:",
        "taskmon list --json | jq '.[] | select(.wait_us > .usr_us + .sys_us)'",
    ),
    (
        "taskmon-stats",
        "Show how many samples were evicted:",
        "taskmon stats --json | jq .evicted",
    ),
];

/// Returns the examples of a page: what they do, and their command lines.
pub fn examples_of(page: &str) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
    EXAMPLES
        .iter()
        .filter(move |(of, _, _)| *of == page)
        .map(|(_, description, command)| (*description, *command))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;

    #[test]
    fn command_lines_are_valid() {
        for (page, _, command) in EXAMPLES {
            // What is behind a pipe is another program's.
            let words = command.split(" | ").next().unwrap_or_default();
            let words = words.replace("'web server'", "web");
            if let Err(error) = Cli::try_parse_from(words.split(' ')) {
                panic!("{page}: {command}: {error}");
            }
        }
    }
}
