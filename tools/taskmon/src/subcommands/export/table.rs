// SPDX-License-Identifier: GPL-2.0

//! One line per sample, as CSV (RFC 4180) or JSON.

use super::known_at_end;
use crate::history::{HistoryReader, Sample, Task, TaskOverview};
use anyhow::Result;
use serde::Serialize;
use std::io::Write;

/// A sample with the field names that taskmon-export(1) documents.
#[derive(Serialize)]
struct Line<'a> {
    pid: u32,
    command: Option<&'a str>,
    num: u64,
    usr_us: u64,
    sys_us: u64,
    time_us: u64,
    exit: u8,
    id: Option<u64>,
    parent: Option<u32>,
    wait_us: Option<u64>,
}

/// The names of the fields.
const FIELDS: [&str; 10] = [
    "pid", "command", "num", "usr_us", "sys_us", "time_us", "exit", "id", "parent", "wait_us",
];

impl<'a> Line<'a> {
    fn of(task: &'a Task, sample: &Sample) -> Self {
        Self {
            pid: sample.pid,
            command: task.name.as_deref(),
            num: sample.num,
            usr_us: sample.usr_us,
            sys_us: sample.sys_us,
            time_us: sample.time_us,
            exit: sample.is_exit.into(),
            id: task.id(),
            parent: task.info.as_ref().and_then(|info| info.parent),
            wait_us: sample.wait_us,
        }
    }
}

/// Writes CSV with a header line.
pub fn csv(history: &mut HistoryReader, tasks: &[TaskOverview], to: &mut dyn Write) -> Result<()> {
    let mut to = csv::WriterBuilder::new().has_headers(false).from_writer(to);
    // The header is written even if there is no sample.
    to.write_record(FIELDS)?;
    for_each_line(history, tasks, |line| Ok(to.serialize(line)?))?;
    to.flush()?;
    Ok(())
}

/// Writes one JSON object per line.
pub fn json(history: &mut HistoryReader, tasks: &[TaskOverview], to: &mut dyn Write) -> Result<()> {
    for_each_line(history, tasks, |line| {
        serde_json::to_writer(&mut *to, line)?;
        Ok(to.write_all(b"\n")?)
    })
}

fn for_each_line(
    history: &mut HistoryReader,
    tasks: &[TaskOverview],
    mut write: impl FnMut(&Line<'_>) -> Result<()>,
) -> Result<()> {
    while let Some((task, sample)) = history.next()? {
        write(&Line::of(known_at_end(task, tasks), &sample))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{history_of, Overview};

    const TEXT: &str = "\
# task 7 a \"b\", c
pid:7 num:4 : usr 1 sys 2 time 3
pid:7 num:5 : usr 4 sys 5 wait 7 time 6 exit
pid:8 num:0 : usr 0 sys 0 time 9
";

    #[test]
    fn as_csv() {
        let mut to = Vec::new();
        csv(&mut history_of(TEXT), &[], &mut to).unwrap();
        let expected = "\
pid,command,num,usr_us,sys_us,time_us,exit,id,parent,wait_us
7,\"a \"\"b\"\", c\",4,1,2,3,0,,,
7,\"a \"\"b\"\", c\",5,4,5,6,1,,,7
8,,0,0,0,9,0,,,
";
        assert_eq!(String::from_utf8(to).unwrap(), expected);
    }

    #[test]
    fn as_json() {
        let mut to = Vec::new();
        json(&mut history_of(TEXT), &[], &mut to).unwrap();
        let text = String::from_utf8(to).unwrap();
        let first = text.lines().next().unwrap();
        let value: serde_json::Value = serde_json::from_str(first).unwrap();
        assert_eq!(value["command"], "a \"b\", c");
        assert_eq!((&value["num"], &value["exit"]), (&4.into(), &0.into()));
        assert!(text.contains("\"exit\":1,\"id\":null,\"parent\":null,\"wait_us\":7}\n"));
        assert!(text.ends_with(
            "{\"pid\":8,\"command\":null,\"num\":0,\"usr_us\":0,\"sys_us\":0,\"time_us\":9,\
             \"exit\":0,\"id\":null,\"parent\":null,\"wait_us\":null}\n"
        ));
    }

    #[test]
    fn last_name() {
        let text = "\
# taskmon 2
# task pid:7 : id 4 parent 5 started 0 first 0 next 0 usr 0 sys 0 name sh
# samples 4
pid:7 num:0 : usr 1 sys 2 time 3
# task pid:7 : id 4 parent 5 started 0 first 0 next 0 usr 0 sys 0 name \\377\\042
# end complete
";
        let overview = Overview::read_from(&mut history_of(text)).unwrap();
        let mut to = Vec::new();
        csv(&mut history_of(text), &overview.tasks, &mut to).unwrap();
        let text = String::from_utf8(to).unwrap();
        assert!(
            text.ends_with("\n7,\"\\377\"\"\",0,1,2,3,0,4,5,\n"),
            "{text}"
        );
    }
}
