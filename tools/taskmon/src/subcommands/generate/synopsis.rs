// SPDX-License-Identifier: GPL-2.0

//! The section SYNOPSIS of a man page, with the values that options take.

use clap::{Arg, ArgAction, Command};

/// Returns the line of the section: the command with its options and arguments, in roff.
pub fn synopsis(command: &Command) -> String {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let mut words = vec![format!("\\fB{}\\fR", escaped(name))];
    let is_shown = |argument: &&Arg| !argument.is_hide_set();
    words.extend(command.get_opts().filter(is_shown).map(option));
    let flags = command
        .get_arguments()
        .filter(|argument| !argument.is_positional() && !argument.get_action().takes_values());
    words.extend(flags.filter(is_shown).map(option));
    words.extend(command.get_positionals().filter(is_shown).map(positional));
    if command.has_subcommands() {
        words.push("\\fISUBCOMMAND\\fR".to_string());
    }
    words.join(" ")
}

/// Returns an option with its value: `[-o|--output FILE]`.
fn option(option: &Arg) -> String {
    let short = option.get_short().map(|letter| format!("-{letter}"));
    let long = option.get_long().map(|word| format!("--{word}"));
    let names: Vec<String> = short
        .into_iter()
        .chain(long)
        .map(|name| format!("\\fB{}\\fR", escaped(&name)))
        .collect();
    let value = match option.get_action().takes_values() {
        true => format!(" {}", value(option)),
        false => String::new(),
    };
    let is_repeated = matches!(option.get_action(), ArgAction::Append);
    let text = names.join("|") + &value + dots(is_repeated);
    bracketed(text, option.is_required_set())
}

/// Returns a positional argument: `[FILE]…`.
fn positional(argument: &Arg) -> String {
    let is_repeated = argument
        .get_num_args()
        .is_some_and(|range| range.max_values() > 1);
    let text = value(argument) + dots(is_repeated);
    bracketed(text, argument.is_required_set())
}

fn value(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let names: Vec<String> = names.iter().map(|name| escaped(name)).collect();
    format!("\\fI{}\\fR", names.join(" "))
}

fn dots(is_repeated: bool) -> &'static str {
    if is_repeated {
        "..."
    } else {
        ""
    }
}

fn bracketed(text: String, is_required: bool) -> String {
    if is_required {
        text
    } else {
        format!("[{text}]")
    }
}

/// Returns text in which roff takes no character for a request or an escape.
pub fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_values() {
        let command = Command::new("do").args([
            Arg::new("flag").short('f').action(ArgAction::SetTrue),
            Arg::new("to").short('o').long("out").value_name("FILE"),
            Arg::new("kind").long("kind").value_name("K").required(true),
            Arg::new("what").value_name("A or B").num_args(0..),
        ]);
        let mut command = command.disable_help_flag(true);
        command.build();
        assert_eq!(
            synopsis(&command),
            "\\fBdo\\fR [\\fB\\-o\\fR|\\fB\\-\\-out\\fR \\fIFILE\\fR] \\fB\\-\\-kind\\fR \\fIK\\fR \
             [\\fB\\-f\\fR] [\\fIA or B\\fR...]"
        );
    }

    #[test]
    fn escapes() {
        assert_eq!(escaped(".a -b \\"), "\\&.a \\-b \\e");
    }
}
