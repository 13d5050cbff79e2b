// SPDX-License-Identifier: GPL-2.0

//! taskmon: record, watch and plot the CPU time of tasks, with the kernel module taskmonitor.

mod cli;
mod cpu_share;
mod history;
mod kernel_module;
mod output;
mod procfs;
mod subcommands;

use clap::Parser;
use cli::{Cli, Command};
use std::process::ExitCode;
use subcommands::{add_remove, export, generate, list, plot, record, stats, top};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Record(command) => return record::record(&command),
        Command::Top(command) => top::top(&command),
        Command::Plot(command) => plot::plot(&command),
        Command::Export(command) => export::export(&command),
        Command::Add(command) => add_remove::add(&command),
        Command::Remove(command) => add_remove::remove(&command),
        Command::List(command) => list::list(&command),
        Command::Stats(command) => stats::stats(&command),
        Command::Start => add_remove::word("start"),
        Command::Stop => add_remove::word("stop"),
        Command::Clear => add_remove::word("clear"),
        Command::Generate(command) => generate::generate(&command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Who closed the pipe has seen enough.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
