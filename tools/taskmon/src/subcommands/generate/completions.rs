// SPDX-License-Identifier: GPL-2.0

//! The shell completions.
//!
//! clap_complete generates a script for each shell, which completes subcommands and options. What
//! follows `taskmon record` and what is known only at the time, such as PIDs and names, is completed
//! by functions of our own, in `completions/`. They are appended to the generated script, and ask
//! `taskmon candidates`.

use crate::cli::{Cli, Command as Subcommand};
use anyhow::{bail, Result};
use clap::{Command, CommandFactory, Subcommand as _};
use clap_complete::Shell;

/// The options of `record` that take a value, as a pattern of a shell's `case`.
const RECORD_OPTIONS: &str = "@record-options-with-values@";

/// Returns the names and the contents of the files, for bash, zsh and fish.
pub fn completions() -> Result<Vec<(String, Vec<u8>)>> {
    // Each shell expects another file name.
    let scripts = [
        ("taskmon", bash()?),
        ("_taskmon", zsh()?),
        ("taskmon.fish", fish()?),
    ];
    let files = scripts.map(|(name, script)| (name.to_string(), script.into_bytes()));
    Ok(files.into())
}

/// In bash, our function has the name of the generated one, and calls it.
fn bash() -> Result<String> {
    let generated = generated(Shell::Bash);
    let generated = replaced(&generated, "_taskmon() {", "_taskmon_generated() {")?;
    let options = options_with_values("record").join(" | ");
    let ours = replaced(
        include_str!("completions/taskmon.bash"),
        RECORD_OPTIONS,
        &options,
    )?;
    Ok(generated + "\n" + &ours)
}

/// In zsh, the generated script calls our functions for the values.
fn zsh() -> Result<String> {
    let mut script = generated(Shell::Zsh);
    for (generated, ours) in [
        (":PID:_default'", ":PID:_taskmon_pids'"),
        (":ID:_default'", ":ID:_taskmon_ids'"),
        (":NAME:_default'", ":NAME:_taskmon_names'"),
        (":UNIT:_default'", ":UNIT:_taskmon_units'"),
        (":PATH:_files -/'", ":PATH:_taskmon_cgroups'"),
        ("names:_default'", "names:_taskmon_pids_or_names'"),
        (
            "watched tasks:_default'",
            "watched tasks:_taskmon_pids_or_names'",
        ),
        // No options of ours after the first word of the command.
        ("'*::command --", "'(-)*::command --"),
        (":_cmdambivalent'", ":_normal'"),
    ] {
        script = replaced(&script, generated, ours)?;
    }
    // Before the end of the script, which calls the function that completes.
    let ours = include_str!("completions/taskmon.zsh");
    let last = "\nif [ \"$funcstack[1]\" =";
    replaced(&script, last, &format!("\n{ours}{last}"))
}

/// In fish, the lines of some options get the candidates for their values.
fn fish() -> Result<String> {
    let mut script = generated(Shell::Fish);
    for (option, candidates) in [
        ("pid", "__fish_taskmon_list pids"),
        ("id", "__fish_taskmon_list ids"),
        ("name", "__fish_taskmon_candidates names"),
        ("unit", "__fish_taskmon_candidates units"),
        ("cgroup", "__fish_taskmon_candidates cgroups"),
    ] {
        let lines = script.lines().map(|line| {
            let takes_value = line
                .rfind(" -r")
                .filter(|_| line.contains(&format!(" -l {option} ")));
            takes_value.map_or(line.to_string(), |end| {
                format!("{} -x -a \"({candidates})\"", &line[..end])
            })
        });
        let changed = lines.collect::<Vec<_>>().join("\n") + "\n";
        if changed == script {
            bail!("the script for completions has no option --{option}");
        }
        script = changed;
    }
    let options = options_with_values("record").join(" ");
    let ours = replaced(
        include_str!("completions/taskmon.fish"),
        RECORD_OPTIONS,
        &options,
    )?;
    Ok(script + "\n" + &ours)
}

/// Returns the script that clap_complete generates, without the hidden subcommands.
fn generated(shell: Shell) -> String {
    let visible = Cli::command()
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .cloned()
        .collect::<Vec<_>>();
    let mut taskmon = Command::new("taskmon").version("0").subcommands(visible);
    taskmon = taskmon.disable_help_subcommand(true);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut taskmon, "taskmon", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Returns the options of a subcommand that take a value: `-o`, `--output`, ….
fn options_with_values(subcommand: &str) -> Vec<String> {
    let taskmon = Subcommand::augment_subcommands(Command::new("taskmon"));
    let options = taskmon
        .find_subcommand(subcommand)
        .into_iter()
        .flat_map(Command::get_opts)
        .filter(|option| option.get_action().takes_values());
    options
        .flat_map(|option| {
            let short = option.get_short().map(|letter| format!("-{letter}"));
            let long = option.get_long().map(|word| format!("--{word}"));
            short.into_iter().chain(long)
        })
        .collect()
}

/// Replaces `from` in a script. Fails if it does not occur: clap_complete then generates something
/// else than before.
fn replaced(script: &str, from: &str, to: &str) -> Result<String> {
    if !script.contains(from) {
        bail!("the script for completions has no `{from}`");
    }
    Ok(script.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_have_what_is_replaced() {
        for (name, script) in completions().unwrap() {
            let script = String::from_utf8(script).unwrap();
            assert!(!script.contains(RECORD_OPTIONS), "{name}");
            // Hidden subcommands, as bash and as the others have them.
            assert!(!script.contains("taskmon,generate"), "{name}");
            assert!(!script.contains("Write the man pages"), "{name}");
            assert!(script.contains("taskmon candidates"), "{name}");
        }
    }

    #[test]
    fn options_of_record() {
        let options = options_with_values("record");
        assert!(options.contains(&"-o".to_string()));
        assert!(options.contains(&"--summary".to_string()));
        assert!(!options.contains(&"--json".to_string()));
    }
}
