// SPDX-License-Identifier: GPL-2.0

//! Starting the command so that not one instruction of it goes unseen.

use crate::{cli::Record, module};
use anyhow::{anyhow, Context, Result};
use nix::errno::Errno;
use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::{net::UnixStream, process::CommandExt},
    process::{self, Child, Command},
};

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
/// command.
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
    let prefix = prefix(record);
    let watch_me = move || {
        let pid = process::id();
        // No memory may be allocated between fork and exec.
        let mut word = [0_u8; 32];
        let mut rest = &mut word[..];
        write!(rest, "{prefix}{pid}")?;
        let unused = rest.len();
        let used = word.len() - unused;
        let obeyed = to_module.write_all(&word[..used]);
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
    match (pid, refused) {
        (Ok(pid), Ok(0)) => {
            // It was watched, but never became the command.
            let _ = module::obey(control, &format!("-{prefix}{pid}"));
            let why = anyhow!("{name}: {}", module::plain(&error));
            Err(match error.kind() {
                io::ErrorKind::NotFound => Failure::NotFound(why),
                _ => Failure::NotRunnable(why),
            })
        }
        (Ok(_), Ok(code)) => {
            let why = module::refusal(
                prefix,
                &format!("cannot watch {name}"),
                Errno::from_raw(code),
            );
            let alone = if code == Errno::EOPNOTSUPP as i32 {
                ": --alone"
            } else {
                ""
            };
            Err(own(anyhow!("{why}{alone}")))
        }
        _ => Err(own(anyhow!("{name}: {}", module::plain(&error)))),
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
