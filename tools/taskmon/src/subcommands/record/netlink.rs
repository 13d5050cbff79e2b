// SPDX-License-Identifier: GPL-2.0

//! Messages of generic netlink and taskstats, as bytes: requests, and the records of exits. Pure
//! functions.

// Constants of linux/netlink.h, linux/genetlink.h and linux/taskstats.h, with the names they have
// there.
const NLM_F_REQUEST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const GENL_ID_CTRL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
const TASKSTATS_CMD_GET: u8 = 1;
const TASKSTATS_CMD_NEW: u8 = 2;
const TASKSTATS_CMD_ATTR_REGISTER_CPUMASK: u16 = 3;
const TASKSTATS_TYPE_STATS: u16 = 3;
const TASKSTATS_TYPE_AGGR_PID: u16 = 4;
/// The length of struct nlmsghdr (length, type, flags, sequence number, port) and struct genlmsghdr
/// (command, version, reserved).
const HEADER_LEN: usize = 20;
/// The fields ac_comm and ac_pid of struct taskstats.
const COMM_AT: std::ops::Range<usize> = 80..112;
const PID_AT: std::ops::Range<usize> = 128..132;

/// The record of a task that has exited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    pub pid: u32,
    pub name: String,
}

/// Returns the request for the family number of taskstats.
pub fn family_request() -> Vec<u8> {
    request(
        GENL_ID_CTRL,
        CTRL_CMD_GETFAMILY,
        CTRL_ATTR_FAMILY_NAME,
        b"TASKSTATS\0",
    )
}

/// Returns the family number in the answer.
pub fn family_of(answer: &[u8]) -> Option<u16> {
    let message = messages(answer).find(|message| message.kind == GENL_ID_CTRL)?;
    let id = attribute(message.attributes, CTRL_ATTR_FAMILY_ID)?;
    Some(u16::from_ne_bytes(id.try_into().ok()?))
}

/// Returns the request for a record of each task that exits on the CPUs `cpus`, a list such as
/// `0-3`.
pub fn register_request(family: u16, cpus: &str) -> Vec<u8> {
    let text = [cpus.as_bytes(), b"\0"].concat();
    request(
        family,
        TASKSTATS_CMD_GET,
        TASKSTATS_CMD_ATTR_REGISTER_CPUMASK,
        &text,
    )
}

/// Returns the exit records in `bytes`. Other and truncated messages are ignored.
pub fn exits(family: u16, bytes: &[u8]) -> impl Iterator<Item = Exit> + '_ {
    messages(bytes)
        .filter(move |message| message.kind == family && message.command == TASKSTATS_CMD_NEW)
        .filter_map(|message| attribute(message.attributes, TASKSTATS_TYPE_AGGR_PID))
        .filter_map(|aggregate| attribute(aggregate, TASKSTATS_TYPE_STATS))
        .filter_map(exit)
}

/// Returns the error code in an answer, 0 for an acknowledgement; `None` for other messages.
pub fn error_in(bytes: &[u8]) -> Option<i32> {
    let code = bytes.get(16..20)?;
    let is_error = u16_at(bytes, 4)? == NLMSG_ERROR;
    is_error.then(|| i32::from_ne_bytes([code[0], code[1], code[2], code[3]]))
}

/// Parses a struct taskstats.
fn exit(stats: &[u8]) -> Option<Exit> {
    let name = stats.get(COMM_AT)?.split(|byte| *byte == 0).next()?;
    Some(Exit {
        pid: u32::from_ne_bytes(stats.get(PID_AT)?.try_into().ok()?),
        name: String::from_utf8_lossy(name).into_owned(),
    })
}

/// Returns a message with one attribute.
fn request(kind: u16, command: u8, attribute: u16, value: &[u8]) -> Vec<u8> {
    let attribute_len = 4 + value.len();
    let len = HEADER_LEN + aligned(attribute_len);
    let mut message = Vec::with_capacity(len);
    // CAST: a request is less than a few hundred bytes long.
    message.extend((len as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(NLM_F_REQUEST.to_ne_bytes());
    message.extend([0; 8]);
    message.extend([command, 1, 0, 0]);
    message.extend((attribute_len as u16).to_ne_bytes());
    message.extend(attribute.to_ne_bytes());
    message.extend(value);
    message.resize(len, 0);
    message
}

struct Message<'a> {
    kind: u16,
    command: u8,
    attributes: &'a [u8],
}

/// Splits bytes into messages.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let len = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
        let message = bytes.get(..len)?;
        bytes = bytes.get(aligned(len)..).unwrap_or_default();
        Some(Message {
            kind: u16_at(message, 4)?,
            command: *message.get(16)?,
            attributes: message.get(HEADER_LEN..)?,
        })
    })
}

/// Returns the value of the first attribute of the type `kind`.
fn attribute(mut bytes: &[u8], kind: u16) -> Option<&[u8]> {
    /// NLA_TYPE_MASK: the other two bits are flags.
    const TYPE_MASK: u16 = 0x3fff;
    loop {
        let len = usize::from(u16_at(bytes, 0)?);
        let value = bytes.get(4..len)?;
        if u16_at(bytes, 2)? & TYPE_MASK == kind {
            return Some(value);
        }
        bytes = bytes.get(aligned(len)..)?;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Returns a length with the padding that follows it.
fn aligned(len: usize) -> usize {
    len.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit_record(family: u16) -> Vec<u8> {
        let mut stats = vec![0; 200];
        stats[COMM_AT][..4].copy_from_slice(b"true");
        stats[PID_AT].copy_from_slice(&77_u32.to_ne_bytes());
        let nested = |kind: u16, value: &[u8]| {
            let mut bytes = Vec::from((4 + value.len() as u16).to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(value);
            bytes
        };
        let pid = nested(1, &77_u32.to_ne_bytes());
        let both = [pid, nested(TASKSTATS_TYPE_STATS, &stats)].concat();
        request(family, TASKSTATS_CMD_NEW, TASKSTATS_TYPE_AGGR_PID, &both)
    }

    #[test]
    fn exit_records() {
        let record = exit_record(30);
        let twice = [record.clone(), record.clone()].concat();
        let expected = Exit {
            pid: 77,
            name: "true".into(),
        };
        assert_eq!(
            exits(30, &twice).collect::<Vec<_>>(),
            [expected.clone(), expected]
        );
        assert_eq!(exits(31, &twice).count(), 0);
    }

    #[test]
    fn truncated_messages() {
        let record = exit_record(30);
        for len in 0..record.len() {
            assert_eq!(exits(30, &record[..len]).count(), 0);
            assert_eq!(family_of(&record[..len]), None);
        }
        // A message of length 0 ends the iteration.
        assert_eq!(exits(30, &[0; 64]).count(), 0);
    }

    #[test]
    fn family_number() {
        let answer = request(GENL_ID_CTRL, 1, CTRL_ATTR_FAMILY_ID, &29_u16.to_ne_bytes());
        assert_eq!(family_of(&answer), Some(29));
        assert_eq!(error_in(&answer), None);
    }
}
