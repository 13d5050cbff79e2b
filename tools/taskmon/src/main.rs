// SPDX-License-Identifier: GPL-2.0

//! taskmon: record, watch and plot the CPU time of tasks, with the kernel module taskmonitor.

mod cli;
mod control;
mod export;
mod generate;
mod history;
mod interval;
mod list;
mod module;
mod newest;
mod output;
mod overview;
mod plot;
mod procfs;
mod progress;
mod record;
mod recording;
mod sample;
mod source;
mod spool;
mod text;
mod timeline;
mod top;
mod unnamed;

use clap::Parser;
use cli::{Cli, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Record(command) => return record::record(&command),
        Command::Top(command) => top::top(&command),
        Command::Plot(command) => plot::plot(&command),
        Command::Export(command) => export::export(&command),
        Command::Add(command) => control::add(&command),
        Command::Remove(command) => control::remove(&command),
        Command::List(command) => list::list(&command),
        Command::Stats(command) => list::stats(&command),
        Command::Start => control::word("start"),
        Command::Stop => control::word("stop"),
        Command::Clear => control::word("clear"),
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
