// SPDX-License-Identifier: GPL-2.0

//! Starting the command so that not one instruction of it goes unseen.

use crate::{cli::Record, kernel_module, output::plain};
use anyhow::{anyhow, Context, Error, Result};
use nix::errno::Errno;
use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::{net::UnixStream, process::CommandExt},
    process::{self, Child, Command},
};

/// By this code the process tells that it is watched, but not sampled. The module fails with others.
const STOPPED: Errno = Errno::ENODATA;

/// Why the command does not run.
pub enum Failure {
    /// There is no such command.
    NotFound(anyhow::Error),
    /// It is there, but cannot be run.
    NotRunnable(anyhow::Error),
    /// taskmon could not watch it.
    Unwatched(anyhow::Error),
}

/// Runs the command, as a process that has asked the module to watch itself before it became the
/// command, and has seen that it does.
pub fn launch(record: &Record, control: &File) -> Result<Child, Failure> {
    let own = |error: anyhow::Error| Failure::Unwatched(error);
    let [program, arguments @ ..] = record.command.as_slice() else {
        return Err(own(anyhow!("no command")));
    };
    let (mut told, mut teller) = UnixStream::pair()
        .context("a pair of sockets")
        .map_err(own)?;
    let mut to_module = control
        .try_clone()
        .context("the control file")
        .map_err(own)?;
    let statistics = kernel_module::open(kernel_module::STATISTICS).map_err(own)?;
    let prefix = prefix(record);
    let watch_me = move || {
        let pid = process::id();
        // No memory may be allocated between fork and exec.
        let mut word = [0_u8; 32];
        let mut rest = &mut word[..];
        write!(rest, "{prefix}{pid}")?;
        let unused = rest.len();
        let used = word.len() - unused;
        let before = kernel_module::created(&statistics)?;
        let mut obeyed = to_module.write_all(&word[..used]);
        // What is added is sampled at once.
        if obeyed.is_ok() && kernel_module::created(&statistics).is_ok_and(|now| now == before) {
            obeyed = Err(STOPPED.into());
        }
        let code = obeyed.as_ref().err().and_then(io::Error::raw_os_error);
        teller.write_all(&pid.to_ne_bytes())?;
        teller.write_all(&code.unwrap_or(0).to_ne_bytes())?;
        obeyed
    };
    let mut command = Command::new(program);
    command.args(arguments);
    // SAFETY: between fork and exec it makes system calls only, on what it owns.
    unsafe { command.pre_exec(watch_me) };
    let spawned = command.spawn();
    // Its end of the sockets.
    drop(command);
    let error = match spawned {
        Ok(child) => return Ok(child),
        Err(error) => error,
    };
    let mut number = [0; 4];
    let pid = told
        .read_exact(&mut number)
        .map(|()| u32::from_ne_bytes(number));
    let refused = told
        .read_exact(&mut number)
        .map(|()| i32::from_ne_bytes(number));
    let name = program.to_string_lossy();
    // It was watched, but never became the command.
    let forget = |pid: u32| {
        // Somebody else may have been faster.
        let _ = kernel_module::obey(control, &format!("-{prefix}{pid}"));
    };
    match (pid, refused) {
        (Ok(pid), Ok(0)) => {
            forget(pid);
            let why = anyhow!("{name}: {}", plain(&error));
            Err(match error.kind() {
                io::ErrorKind::NotFound => Failure::NotFound(why),
                _ => Failure::NotRunnable(why),
            })
        }
        (Ok(pid), Ok(code)) => {
            let code = Errno::from_raw(code);
            if code == STOPPED {
                forget(pid);
            }
            Err(own(refusal(prefix, &name, code)))
        }
        _ => Err(own(anyhow!("{name}: {}", plain(&error)))),
    }
}

/// Why the command is not watched.
fn refusal(prefix: &str, name: &str, code: Errno) -> Error {
    match code {
        STOPPED => anyhow!("sampling is stopped, so nothing would be recorded: run `taskmon start`"),
        Errno::EEXIST => anyhow!(
            "{name} would be watched twice, as all that is started here is followed already: record \
             from elsewhere, or have `taskmon remove --tree PID` end that"
        ),
        Errno::EOPNOTSUPP => anyhow!("{}: --alone", kernel_module::refusal(prefix, name, code)),
        _ => anyhow!("cannot watch {}", kernel_module::refusal(prefix, name, code)),
    }
}

/// What stands before the command's number in the words about it.
pub fn prefix(record: &Record) -> &'static str {
    if record.alone {
        ""
    } else {
        "tree:"
    }
}
