// SPDX-License-Identifier: GPL-2.0

//! Collects the names of processes that exit: most processes of a recording do not exist any more
//! when it is written. The kernel's taskstats interface reports each exit on the machine.

use super::netlink;
use nix::{
    errno::Errno,
    poll::{poll, PollFd, PollFlags, PollTimeout},
    sys::socket::{
        bind, recv, send, setsockopt, socket, sockopt, AddressFamily, MsgFlags, NetlinkAddr,
        SockFlag, SockProtocol, SockType,
    },
};
use std::{
    collections::HashMap,
    fs,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
    thread::{self, JoinHandle},
};

/// The most names to keep. The module watches at most 16,384 tasks by default.
const MAX_NAMES: usize = 1 << 18;
/// The size of the socket's receive buffer in bytes: enough for a burst of exits.
const RECEIVE_BUFFER: usize = 16 << 20;
/// How often the thread checks whether to end, in milliseconds.
const POLL_MS: u16 = 50;

/// A thread that stores the name of each process on the machine that exits.
pub struct ProcessNames {
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<HashMap<u32, String>>>,
}

impl ProcessNames {
    /// Starts listening. If the kernel has no taskstats, or in a container, there will be no names.
    pub fn listen() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let listener = subscribe().ok().map(|(socket, family)| {
            let stop = stop.clone();
            thread::spawn(move || receive_names(&socket, family, &stop))
        });
        Self { stop, listener }
    }

    /// Stops listening. Returns the names of all processes that have exited until now, by PID.
    pub fn take(self) -> HashMap<u32, String> {
        self.stop.store(true, Ordering::Relaxed);
        self.listener
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default()
    }
}

/// Returns a socket that receives a record of each exit, and taskstats' number as a netlink family.
fn subscribe() -> nix::Result<(OwnedFd, u16)> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkGeneric,
    )?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
    // If this fails, names are lost in a burst of exits.
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER);
    let mut answer = [0; 4096];
    send(
        socket.as_raw_fd(),
        &netlink::family_request(),
        MsgFlags::empty(),
    )?;
    let len = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    let family = netlink::family_of(&answer[..len]).ok_or(Errno::ENOENT)?;
    let cpus = fs::read_to_string("/sys/devices/system/cpu/possible").map_err(|_| Errno::ENOENT)?;
    let request = netlink::register_request(family, cpus.trim());
    send(socket.as_raw_fd(), &request, MsgFlags::empty())?;
    // The kernel answers at once if it refuses the request, and does not answer if it grants it.
    if let Ok(len) = recv(socket.as_raw_fd(), &mut answer, MsgFlags::MSG_DONTWAIT) {
        if let Some(code) = netlink::error_in(&answer[..len]).filter(|code| *code != 0) {
            return Err(Errno::from_raw(-code));
        }
    }
    Ok((socket, family))
}

/// Receives exit records until `stop` is set, and then those that are already in the socket.
fn receive_names(socket: &OwnedFd, family: u16, stop: &AtomicBool) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    let mut bytes = vec![0; 1 << 16];
    loop {
        // Read before receiving: the records of all earlier exits are then in the socket.
        let is_last_round = stop.load(Ordering::Relaxed);
        loop {
            match recv(socket.as_raw_fd(), &mut bytes, MsgFlags::MSG_DONTWAIT) {
                Ok(len) => {
                    for exit in netlink::exits(family, &bytes[..len]) {
                        if names.len() < MAX_NAMES || names.contains_key(&exit.pid) {
                            names.insert(exit.pid, exit.name);
                        }
                    }
                }
                // ENOBUFS: the buffer was full and records were lost. Later ones can be received.
                Err(Errno::EINTR | Errno::ENOBUFS) => {}
                Err(_) => break,
            }
        }
        if is_last_round {
            return names;
        }
        let mut wait = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut wait, PollTimeout::from(POLL_MS));
    }
}
