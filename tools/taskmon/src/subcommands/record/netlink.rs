// SPDX-License-Identifier: GPL-2.0

//! The bytes of generic netlink and taskstats: what is asked, and what an exit record says.

const REQUEST: u16 = 1;
const CONTROLLER: u16 = 16;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
const TASKSTATS_GET: u8 = 1;
const TASKSTATS_NEW: u8 = 2;
const REGISTER_CPUMASK: u16 = 3;
const AGGREGATE_PID: u16 = 4;
const STATS: u16 = 3;
/// A message: its length, type, flags, sequence number, sender; command, version, nothing.
const HEADER_LEN: usize = 20;
const ERROR: u16 = 2;
/// Where a struct taskstats has the name and the number.
const COMM_AT: std::ops::Range<usize> = 80..112;
const PID_AT: std::ops::Range<usize> = 128..132;

/// A task that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    pub pid: u32,
    pub name: String,
}

/// The question for the number by which taskstats is spoken to.
pub fn family_request() -> Vec<u8> {
    request(CONTROLLER, GET_FAMILY, FAMILY_NAME, b"TASKSTATS\0")
}

/// The number that the answer gives.
pub fn family_of(answer: &[u8]) -> Option<u16> {
    let message = messages(answer).find(|message| message.kind == CONTROLLER)?;
    let id = attribute(message.attributes, FAMILY_ID)?;
    Some(u16::from_ne_bytes(id.try_into().ok()?))
}

/// The wish for a record of each task that ends on these processors.
pub fn register_request(family: u16, processors: &str) -> Vec<u8> {
    let text = [processors.as_bytes(), b"\0"].concat();
    request(family, TASKSTATS_GET, REGISTER_CPUMASK, &text)
}

/// The tasks whose end these bytes report.
pub fn exits(family: u16, bytes: &[u8]) -> impl Iterator<Item = Exit> + '_ {
    messages(bytes)
        .filter(move |message| message.kind == family && message.command == TASKSTATS_NEW)
        .filter_map(|message| attribute(message.attributes, AGGREGATE_PID))
        .filter_map(|aggregate| attribute(aggregate, STATS))
        .filter_map(exit)
}

/// The error that an answer reports, 0 for a mere acknowledgement.
pub fn error_in(bytes: &[u8]) -> Option<i32> {
    let code = bytes.get(16..20)?;
    let is_error = number16(bytes, 4)? == ERROR;
    is_error.then(|| i32::from_ne_bytes([code[0], code[1], code[2], code[3]]))
}

fn exit(stats: &[u8]) -> Option<Exit> {
    let name = stats.get(COMM_AT)?.split(|byte| *byte == 0).next()?;
    Some(Exit {
        pid: u32::from_ne_bytes(stats.get(PID_AT)?.try_into().ok()?),
        name: String::from_utf8_lossy(name).into_owned(),
    })
}

fn request(kind: u16, command: u8, attribute: u16, value: &[u8]) -> Vec<u8> {
    let attribute_len = 4 + value.len();
    let len = HEADER_LEN + aligned(attribute_len);
    let mut message = Vec::with_capacity(len);
    // CAST: the requests above are some dozens of bytes long.
    message.extend((len as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(REQUEST.to_ne_bytes());
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

fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let len = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
        let message = bytes.get(..len)?;
        bytes = bytes.get(aligned(len)..).unwrap_or_default();
        Some(Message {
            kind: number16(message, 4)?,
            command: *message.get(16)?,
            attributes: message.get(HEADER_LEN..)?,
        })
    })
}

/// The value of the first attribute of that kind.
fn attribute(mut bytes: &[u8], kind: u16) -> Option<&[u8]> {
    /// Two bits of the kind are flags.
    const KIND: u16 = 0x3fff;
    loop {
        let len = usize::from(number16(bytes, 0)?);
        let value = bytes.get(4..len)?;
        if number16(bytes, 2)? & KIND == kind {
            return Some(value);
        }
        bytes = bytes.get(aligned(len)..)?;
    }
}

fn number16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

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
        let both = [pid, nested(STATS, &stats)].concat();
        request(family, TASKSTATS_NEW, AGGREGATE_PID, &both)
    }

    #[test]
    fn an_exit() {
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
    fn bytes_cut_anywhere() {
        let record = exit_record(30);
        for len in 0..record.len() {
            assert_eq!(exits(30, &record[..len]).count(), 0);
            assert_eq!(family_of(&record[..len]), None);
        }
        // A length of nothing ends the reading.
        assert_eq!(exits(30, &[0; 64]).count(), 0);
    }

    #[test]
    fn the_family() {
        let answer = request(CONTROLLER, 1, FAMILY_ID, &29_u16.to_ne_bytes());
        assert_eq!(family_of(&answer), Some(29));
        assert_eq!(error_in(&answer), None);
    }
}
