// SPDX-License-Identifier: GPL-2.0

//! A trace for the Perfetto and Chrome viewers, in the JSON of Google's "Trace Event Format". Each
//! task has a counter of its user and system share of one CPU in per cent.

use super::known_at_end;
use crate::{
    cpu_share::{Interval, Intervals},
    history::{HistoryReader, Task, TaskOverview},
};
use anyhow::Result;
use serde_json::{json, Value};
use std::{collections::HashMap, io::Write};

/// Writes the trace of a history.
pub fn write(
    history: &mut HistoryReader,
    tasks: &[TaskOverview],
    to: &mut dyn Write,
) -> Result<()> {
    let mut trace = Trace::begin(to)?;
    let mut named = 0;
    let mut living: HashMap<usize, Counter> = HashMap::new();
    while let Some((task, sample)) = history.next()? {
        let index = task.index;
        if index == named {
            trace.name(known_at_end(task, tasks))?;
            named += 1;
        }
        let counter = living.entry(index).or_insert_with(|| {
            // The period of a recording is known once its first sample has been read.
            Counter::new(sample.pid, history.metadata().period_ms)
        });
        if let Some(interval) = counter.intervals.push(&sample) {
            trace.interval(counter, &interval)?;
        }
        if sample.is_exit {
            trace.end_counter(counter)?;
            living.remove(&index);
        }
    }
    let mut rest: Vec<_> = living.into_iter().collect();
    rest.sort_unstable_by_key(|(index, _)| *index);
    for (_, mut counter) in rest {
        trace.end_counter(&mut counter)?;
    }
    trace.finish()
}

/// The counter of one task.
struct Counter {
    pid: u32,
    intervals: Intervals,
    /// The value that was written last, and the end of the last interval that has it.
    last: Option<((f64, f64), u64)>,
}

impl Counter {
    fn new(pid: u32, period_ms: Option<u64>) -> Self {
        Self {
            pid,
            intervals: Intervals::new(period_ms),
            last: None,
        }
    }
}

/// A writer of trace events.
struct Trace<W: Write> {
    to: W,
    is_first: bool,
}

impl<W: Write> Trace<W> {
    fn begin(mut to: W) -> Result<Self> {
        write!(to, "{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
        Ok(Self { to, is_first: true })
    }

    /// Writes one event.
    fn event(&mut self, event: &Value) -> Result<()> {
        self.to
            .write_all(if self.is_first { b"\n" } else { b",\n" })?;
        self.is_first = false;
        serde_json::to_writer(&mut self.to, event)?;
        Ok(())
    }

    /// Writes the name of a task.
    fn name(&mut self, task: &Task) -> Result<()> {
        let name = task.label();
        self.event(&json!({
            "ph": "M", "name": "process_name", "pid": task.pid, "args": { "name": name },
        }))
    }

    /// Writes a new value of a task's counter.
    fn set_counter(&mut self, pid: u32, time_us: u64, (user, system): (f64, f64)) -> Result<()> {
        let percent = |share: f64| (share * 1e5).round() / 1e3;
        self.event(&json!({
            "ph": "C", "name": "CPU %", "pid": pid, "ts": time_us,
            "args": { "user": percent(user), "system": percent(system) },
        }))
    }

    /// Writes the shares of an interval, unless the counter already has these values. The shares of
    /// a gap are written as 0.
    fn interval(&mut self, counter: &mut Counter, interval: &Interval) -> Result<()> {
        let shares = if interval.is_gap {
            (0.0, 0.0)
        } else {
            interval.shares()
        };
        if counter.last.is_none_or(|(value, _)| value != shares) {
            self.set_counter(counter.pid, interval.from_us, shares)?;
        }
        counter.last = Some((shares, interval.to_us));
        Ok(())
    }

    /// Sets a counter to 0 after the last sample of its task.
    fn end_counter(&mut self, counter: &mut Counter) -> Result<()> {
        if let Some(interval) = counter.intervals.finish() {
            self.interval(counter, &interval)?;
        }
        if let Some((_, end_us)) = counter.last.take() {
            self.set_counter(counter.pid, end_us, (0.0, 0.0))?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        writeln!(self.to, "\n]}}")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{history_of, Overview};

    #[test]
    fn counter_values() {
        let text = "\
# task 7 sh
pid:7 num:0 : usr 0 sys 0 time 1000
pid:7 num:1 : usr 500 sys 250 time 2000
pid:7 num:2 : usr 1000 sys 500 time 3000
pid:7 num:3 : usr 1000 sys 500 time 4000 exit
pid:8 num:0 : usr 0 sys 0 time 5000
";
        let mut to = Vec::new();
        write(&mut history_of(text), &[], &mut to).unwrap();
        let trace: Value = serde_json::from_slice(&to).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let counters: Vec<_> = events
            .iter()
            .filter(|event| event["ph"] == "C")
            .map(|event| {
                let args = &event["args"];
                let share = |name: &str| args[name].as_f64().unwrap();
                (
                    event["ts"].as_u64().unwrap(),
                    share("user"),
                    share("system"),
                )
            })
            .collect();
        assert_eq!(
            counters,
            [(1000, 50.0, 25.0), (3000, 0.0, 0.0), (4000, 0.0, 0.0)]
        );
        let names: Vec<_> = events
            .iter()
            .filter(|event| event["ph"] == "M")
            .map(|event| event["args"]["name"].clone())
            .collect();
        assert_eq!(names, ["sh", "?"]);
    }

    #[test]
    fn short_first_and_last_intervals() {
        let text = "\
# period_ms 100
pid:7 num:0 : usr 0 sys 0 time 0
pid:7 num:1 : usr 0 sys 0 time 3000
pid:7 num:2 : usr 50000 sys 0 time 103000
pid:7 num:3 : usr 50000 sys 0 time 105000 exit
";
        let mut to = Vec::new();
        write(&mut history_of(text), &[], &mut to).unwrap();
        let trace: Value = serde_json::from_slice(&to).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let user = |event: &Value| event["args"]["user"].as_f64();
        let shares: Vec<f64> = events.iter().filter_map(user).collect();
        assert_eq!(shares, [0.0, 50.0, 0.0, 0.0]);
    }

    #[test]
    fn no_samples() {
        let mut to = Vec::new();
        write(&mut history_of(""), &[], &mut to).unwrap();
        let trace: Value = serde_json::from_slice(&to).unwrap();
        assert_eq!(trace["traceEvents"], json!([]));
    }

    #[test]
    fn alternating_tasks() {
        let text = "\
# taskmon 2
# task pid:7 : id 4 started 0 first 0 next 0 usr 0 sys 0 name sh
# task pid:8 : id 5 started 0 first 0 next 0 usr 0 sys 0 name cc
# samples 4
pid:7 num:0 : usr 0 sys 0 time 1000
# samples 5
pid:8 num:0 : usr 0 sys 0 time 1000
# samples 4
pid:7 num:1 : usr 500 sys 0 time 2000
# samples 5
pid:8 num:1 : usr 250 sys 0 time 2000 exit
# task pid:7 : id 4 started 0 first 0 next 2 usr 500 sys 0 name make
# end complete
";
        let overview = Overview::read_from(&mut history_of(text)).unwrap();
        let mut to = Vec::new();
        write(&mut history_of(text), &overview.tasks, &mut to).unwrap();
        let trace: Value = serde_json::from_slice(&to).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let users = |pid: u32| -> Vec<f64> {
            let of_task = events.iter().filter(|event| event["pid"] == pid);
            of_task
                .filter_map(|event| event["args"]["user"].as_f64())
                .collect()
        };
        assert_eq!((users(7), users(8)), (vec![50.0, 0.0], vec![25.0, 0.0]));
        let names = events
            .iter()
            .filter_map(|event| event["args"]["name"].as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["make", "cc"]);
    }
}
