// SPDX-License-Identifier: GPL-2.0

//! The names of processes that are long gone when somebody asks: the kernel tells them at each
//! exit, by taskstats.

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

/// More names than this are not kept: the module watches 16,384 tasks, if not told otherwise.
const NAMES_MAX: usize = 1 << 18;
/// Room for the exits of a burst, in bytes.
const BUFFER: usize = 16 << 20;
/// How often the thread looks whether it is to end.
const PATIENCE_MS: u16 = 50;

/// Learns the name of every process of this machine that ends.
pub struct Names {
    enough: Arc<AtomicBool>,
    listener: Option<JoinHandle<HashMap<u32, String>>>,
}

impl Names {
    /// Begins to listen; on a kernel without taskstats, or in a container, it learns nothing.
    pub fn listen() -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let listener = subscribe().ok().map(|(socket, family)| {
            let enough = enough.clone();
            thread::spawn(move || learn(&socket, family, &enough))
        });
        Self { enough, listener }
    }

    /// All names of processes that have ended until now, by number.
    pub fn take(self) -> HashMap<u32, String> {
        self.enough.store(true, Ordering::Relaxed);
        self.listener
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default()
    }
}

/// A socket that is told of every exit, and the number of the protocol spoken on it.
fn subscribe() -> nix::Result<(OwnedFd, u16)> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkGeneric,
    )?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
    // As much as it gets; with less, names of a burst are lost.
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &BUFFER);
    let mut answer = [0; 4096];
    send(
        socket.as_raw_fd(),
        &netlink::family_request(),
        MsgFlags::empty(),
    )?;
    let len = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    let family = netlink::family_of(&answer[..len]).ok_or(Errno::ENOENT)?;
    let processors =
        fs::read_to_string("/sys/devices/system/cpu/possible").map_err(|_| Errno::ENOENT)?;
    let request = netlink::register_request(family, processors.trim());
    send(socket.as_raw_fd(), &request, MsgFlags::empty())?;
    // Refused requests are answered, and at once; granted ones are not.
    if let Ok(len) = recv(socket.as_raw_fd(), &mut answer, MsgFlags::MSG_DONTWAIT) {
        if let Some(code) = netlink::error_in(&answer[..len]).filter(|code| *code != 0) {
            return Err(Errno::from_raw(-code));
        }
    }
    Ok((socket, family))
}

fn learn(socket: &OwnedFd, family: u16, enough: &AtomicBool) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    let mut bytes = vec![0; 1 << 16];
    loop {
        // Looked at first: what ended before it was set is in the socket by now.
        let is_last_round = enough.load(Ordering::Relaxed);
        loop {
            match recv(socket.as_raw_fd(), &mut bytes, MsgFlags::MSG_DONTWAIT) {
                Ok(len) => {
                    for exit in netlink::exits(family, &bytes[..len]) {
                        if names.len() < NAMES_MAX || names.contains_key(&exit.pid) {
                            names.insert(exit.pid, exit.name);
                        }
                    }
                }
                // ENOBUFS: some were lost; what follows is not.
                Err(Errno::EINTR | Errno::ENOBUFS) => {}
                Err(_) => break,
            }
        }
        if is_last_round {
            return names;
        }
        let mut wait = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut wait, PollTimeout::from(PATIENCE_MS));
    }
}
