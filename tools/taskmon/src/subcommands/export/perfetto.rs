// SPDX-License-Identifier: GPL-2.0

//! A trace for the Perfetto and Chrome viewers, in the JSON of Google's "Trace Event Format". Each
//! task has a counter of its user and system share of one CPU in per cent, and one of the time that it
//! waited for a CPU.

use super::known_at_end;
use crate::{
    cpu_share::{Interval, Intervals, Shares},
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

/// The counters of one task.
struct Counter {
    pid: u32,
    intervals: Intervals,
    /// The values that were written last, and the end of the last interval that has them.
    last: Option<(Shares, u64)>,
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

    /// Writes the new values of a task's counters that differ from those before.
    fn set_counters(
        &mut self,
        pid: u32,
        time_us: u64,
        before: Option<Shares>,
        shares: Shares,
    ) -> Result<()> {
        let percent = shares.map(|share| (share * 1e5).round() / 1e3);
        if before.is_none_or(|before| (before.usr, before.sys) != (shares.usr, shares.sys)) {
            self.event(&json!({
                "ph": "C", "name": "CPU %", "pid": pid, "ts": time_us,
                "args": { "user": percent.usr, "system": percent.sys },
            }))?;
        }
        // When it is not known any more, the counter goes back to 0.
        let before = before.and_then(|before| before.wait);
        let waiting = percent.wait.or(before.map(|_| 0.0));
        if let (Some(waiting), true) = (waiting, before.is_none() || before != shares.wait) {
            self.event(&json!({
                "ph": "C", "name": "waiting %", "pid": pid, "ts": time_us,
                "args": { "waiting": waiting },
            }))?;
        }
        Ok(())
    }

    /// Writes the shares of an interval, unless the counters already have these values. The shares of
    /// a gap are written as 0.
    fn interval(&mut self, counter: &mut Counter, interval: &Interval) -> Result<()> {
        let shares = match interval.is_gap {
            true => interval.shares().map(|_| 0.0),
            false => interval.shares(),
        };
        let before = counter.last.map(|(shares, _)| shares);
        self.set_counters(counter.pid, interval.from_us, before, shares)?;
        counter.last = Some((shares, interval.to_us));
        Ok(())
    }

    /// Sets the counters to 0 after the last sample of their task.
    fn end_counter(&mut self, counter: &mut Counter) -> Result<()> {
        if let Some(interval) = counter.intervals.finish() {
            self.interval(counter, &interval)?;
        }
        if let Some((shares, end_us)) = counter.last.take() {
            self.set_counters(counter.pid, end_us, None, shares.map(|_| 0.0))?;
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
    fn counter_of_waiting() {
        let text = "\
pid:7 num:0 : usr 0 sys 0 wait 0 time 1000
pid:7 num:1 : usr 500 sys 0 wait 4000 time 2000
pid:7 num:2 : usr 1000 sys 0 wait 4500 time 3000
pid:7 num:3 : usr 1500 sys 0 time 4000
pid:7 num:4 : usr 2000 sys 0 time 5000 exit
";
        let mut to = Vec::new();
        write(&mut history_of(text), &[], &mut to).unwrap();
        let trace: Value = serde_json::from_slice(&to).unwrap();
        let values = |name: &str, part: &str| -> Vec<(u64, f64)> {
            let events = trace["traceEvents"].as_array().unwrap().iter();
            let of_counter = events.filter(|event| event["name"] == name);
            let value =
                |event: &Value| Some((event["ts"].as_u64()?, event["args"][part].as_f64()?));
            of_counter.filter_map(value).collect()
        };
        assert_eq!(values("CPU %", "user"), [(1000, 50.0), (5000, 0.0)]);
        assert_eq!(
            values("waiting %", "waiting"),
            [(1000, 400.0), (2000, 50.0), (3000, 0.0)]
        );
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
