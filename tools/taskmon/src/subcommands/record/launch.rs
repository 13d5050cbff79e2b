// SPDX-License-Identifier: GPL-2.0

//! Starts the command so that it is watched from its first instruction.
//!
//! The child process asks the module to watch itself between fork and exec. It checks that a first
//! sample was taken, and sends the result to taskmon through a socket.

use crate::{
    cli::Record,
    kernel_module::{self, refusal, ControlFile},
    output::os_error_text,
};
use anyhow::{anyhow, Context, Error, Result};
use nix::errno::Errno;
use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::{net::UnixStream, process::CommandExt},
    process::{self, Child, Command},
};

/// The child process sends this code if it is watched, but sampling is stopped. The module never
/// returns it.
const SAMPLING_STOPPED: Errno = Errno::ENODATA;
/// What to tell the user then.
pub const STOPPED: &str = "sampling is stopped, so nothing would be recorded: run `taskmon start`";
/// The code for success.
const IS_WATCHED: Errno = Errno::UnknownErrno;

/// Why the command does not run.
pub enum LaunchError {
    /// The program does not exist.
    NotFound(Error),
    /// The program exists, but cannot be executed.
    NotRunnable(Error),
    /// taskmon could not watch the process.
    WatchFailed(Error),
}

/// A command that has been started.
pub struct Launched {
    pub child: Child,
    /// Whether the module follows it because of an ancestor, and would watch it without taskmon.
    pub is_watched_by_others: bool,
}

/// Starts the command as a watched process.
pub fn launch(arguments: &Record, control: &ControlFile) -> Result<Launched, LaunchError> {
    let [program, program_arguments @ ..] = arguments.command.as_slice() else {
        return Err(LaunchError::WatchFailed(anyhow!("no command")));
    };
    let name = program.to_string_lossy();
    let prefix = command_prefix(arguments);
    let mut command = Command::new(program);
    command.args(program_arguments);
    let mut results = prepare(&mut command, prefix, control).map_err(LaunchError::WatchFailed)?;
    let spawned = command.spawn();
    // Closes taskmon's copy of the child's socket, so that reading ends.
    drop(command);
    let error = match spawned {
        Ok(child) => {
            let code = read_result(&mut results).map_or(0, |(_, code)| code);
            return Ok(Launched {
                child,
                is_watched_by_others: code == Errno::EEXIST as i32,
            });
        }
        Err(error) => error,
    };
    // The process was watched, but did not become the command.
    let remove = |pid: u32| {
        // An error means that another program has removed it.
        let _ = control.try_send(&format!("-{prefix}{pid}"));
    };
    let why = || anyhow!("{name}: {}", os_error_text(&error));
    match read_result(&mut results) {
        Ok((pid, code)) => {
            let code = Errno::from_raw(code);
            if code == IS_WATCHED || code == SAMPLING_STOPPED {
                remove(pid);
            }
            if code == IS_WATCHED || code == Errno::EEXIST {
                return Err(match error.kind() {
                    io::ErrorKind::NotFound => LaunchError::NotFound(why()),
                    _ => LaunchError::NotRunnable(why()),
                });
            }
            Err(LaunchError::WatchFailed(not_watched(prefix, &name, code)))
        }
        Err(_) => Err(LaunchError::WatchFailed(why())),
    }
}

/// Makes the child process of `command` ask the module to watch it before it runs the program.
/// Returns the socket on which it reports: see [`read_result`].
fn prepare(
    command: &mut Command,
    prefix: &'static str,
    control: &ControlFile,
) -> Result<UnixStream> {
    let (results, reporter) = UnixStream::pair().context("creating a pair of sockets")?;
    let control = control.duplicate()?;
    let statistics = kernel_module::open(kernel_module::STATISTICS)?;
    // Before the fork: the child can be watched from then on, because of an ancestor.
    let created = kernel_module::created_samples(&statistics).context(kernel_module::STATISTICS)?;
    let watch = move || watch_this_process(prefix, &control, &statistics, created, &reporter);
    // SAFETY: between fork and exec, `watch_this_process` only makes system calls, on files that it
    // owns. It allocates no memory.
    unsafe {
        command.pre_exec(watch);
    }
    Ok(results)
}

/// Asks the module to watch the calling process, checks that it is sampled, and reports PID and
/// error code, 0 for success. `created` is the number of samples before the process began. Must not
/// allocate memory.
///
/// It is no error if the process is watched already, because of an ancestor.
fn watch_this_process(
    prefix: &str,
    mut control: &File,
    statistics: &File,
    created: u64,
    mut reporter: &UnixStream,
) -> io::Result<()> {
    let pid = process::id();
    let mut buffer = [0_u8; 32];
    let mut rest = &mut buffer[..];
    write!(rest, "{prefix}{pid}")?;
    let unused = rest.len();
    let used = buffer.len() - unused;
    let mut result = control.write_all(&buffer[..used]);
    let mut code = result
        .as_ref()
        .err()
        .and_then(io::Error::raw_os_error)
        .unwrap_or(0);
    if code == Errno::EEXIST as i32 {
        result = Ok(());
    }
    // A new target is sampled at once, unless sampling is stopped.
    if result.is_ok()
        && kernel_module::created_samples(statistics).is_ok_and(|after| after == created)
    {
        code = SAMPLING_STOPPED as i32;
        result = Err(SAMPLING_STOPPED.into());
    }
    reporter.write_all(&pid.to_ne_bytes())?;
    reporter.write_all(&code.to_ne_bytes())?;
    result
}

/// Reads what the child process has reported: PID and error code.
fn read_result(results: &mut UnixStream) -> io::Result<(u32, i32)> {
    let (mut pid, mut code) = ([0; 4], [0; 4]);
    results.read_exact(&mut pid)?;
    results.read_exact(&mut code)?;
    Ok((u32::from_ne_bytes(pid), i32::from_ne_bytes(code)))
}

/// Explains why the command `name` is not watched.
fn not_watched(prefix: &str, name: &str, code: Errno) -> Error {
    match code {
        SAMPLING_STOPPED => {
            anyhow!(STOPPED)
        }
        Errno::EOPNOTSUPP => anyhow!(
            "this kernel cannot follow the descendants of {name} (it lacks CONFIG_TRACEPOINTS): use \
             --alone"
        ),
        _ => anyhow!("cannot watch {}", refusal(prefix, name, code)),
    }
}

/// Returns what precedes the PID in the module's commands: `tree:` unless --alone is given.
fn command_prefix(arguments: &Record) -> &'static str {
    if arguments.alone {
        ""
    } else {
        "tree:"
    }
}
