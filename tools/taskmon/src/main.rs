// SPDX-License-Identifier: GPL-2.0

//! taskmon: record, watch and plot the CPU time of tasks, with the kernel module taskmonitor.
//!
//! The modules, from the top down. Each one uses only modules that are further down.
//!
//! | module | contents |
//! | --- | --- |
//! | `subcommands` | `taskmon record`, `top`, `plot`, `export`, `add`, `remove`, … |
//! | `excerpt` | the part of a history that `--since` and `--until` select |
//! | `cli` | options and help texts of the subcommands |
//! | `grouping` | tasks, grouped by process, command, parent, … |
//! | `cpu_share` | CPU shares over time, computed from samples |
//! | `history` | samples, read from the module or from a recording |
//! | `wall_clock` | times as people say them, and the corrections of the clock |
//! | `kernel_module` | the module's files: control, statistics, period |
//! | `selection` | which tasks the user means: PID, name, cgroup, systemd unit, all |
//! | `output` | files, messages, progress bars, times as text |
//! | `procfs` | names and states of tasks, from /proc |

mod cli;
mod cpu_share;
mod excerpt;
mod grouping;
mod history;
#[cfg(test)]
mod hostile_recordings;
mod kernel_module;
mod output;
mod procfs;
mod selection;
mod subcommands;
mod wall_clock;

use clap::Parser;
use cli::{Cli, Command};
use std::process::ExitCode;
use subcommands::{
    add, candidates, diff, export, generate, list, plot, record, remove, report, sampling, stats,
    top,
};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Record(arguments) => return record::record(&arguments),
        Command::Top(arguments) => top::top(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Diff(arguments) => diff::diff(&arguments),
        Command::Plot(arguments) => plot::plot(&arguments),
        Command::Export(arguments) => export::export(&arguments),
        Command::Add(arguments) => add::add(&arguments),
        Command::Remove(arguments) => remove::remove(&arguments),
        Command::List(arguments) => list::list(&arguments),
        Command::Stats(arguments) => stats::stats(&arguments),
        Command::Start => sampling::start(),
        Command::Stop => sampling::stop(),
        Command::Clear => sampling::clear(),
        Command::Candidates(arguments) => candidates::candidates(&arguments),
        Command::Generate(arguments) => generate::generate(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the pipe, such as `head`, does not want more.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::print_error(&error);
            ExitCode::FAILURE
        }
    }
}
