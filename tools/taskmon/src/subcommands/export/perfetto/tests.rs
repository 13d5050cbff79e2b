// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::history::Source;

/// Returns the trace of a recording.
fn trace_of(text: &str) -> Value {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let excerpt = Excerpt::whole(&Source::Recording(file.path().into()), false).unwrap();
    let mut to = Vec::new();
    write(&excerpt, &mut to).unwrap();
    serde_json::from_slice(&to).unwrap()
}

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
    let trace = trace_of(text);
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
        .filter(|event| event["name"] == "process_name")
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
    let trace = trace_of(text);
    let values = |name: &str, part: &str| -> Vec<(u64, f64)> {
        let events = trace["traceEvents"].as_array().unwrap().iter();
        let of_counter = events.filter(|event| event["name"] == name);
        let value = |event: &Value| Some((event["ts"].as_u64()?, event["args"][part].as_f64()?));
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
    let trace = trace_of(text);
    let events = trace["traceEvents"].as_array().unwrap();
    let user = |event: &Value| event["args"]["user"].as_f64();
    let shares: Vec<f64> = events.iter().filter_map(user).collect();
    assert_eq!(shares, [0.0, 50.0, 0.0, 0.0]);
}

#[test]
fn no_samples() {
    let trace = trace_of("");
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
    let trace = trace_of(text);
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
        .filter(|event| event["name"] == "process_name")
        .filter_map(|event| event["args"]["name"].as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["make", "cc"]);
}

#[test]
fn lives() {
    let text = "\
# taskmon 3
# clock 900 1764000000000000
# task pid:7 : id 4 parent 3 started 1000 ended 3000 status 256 first 0 next 0 usr 0 sys 0 name make
# task pid:8 : id 5 parent 7 started 1500 ended 2000 status 9 first 0 next 0 usr 0 sys 0 name cc
# task pid:8 : id 6 thread tgid 7 parent 3 started 2500 first 0 next 0 usr 0 sys 0 name worker
# samples 4
pid:7 num:0 : usr 0 sys 0 time 1100
pid:7 num:1 : usr 100 sys 100 time 3000 exit
# samples 5
pid:8 num:0 : usr 300 sys 100 time 2000 exit
# samples 6
pid:8 num:0 : usr 0 sys 0 time 2600
pid:8 num:1 : usr 50 sys 0 time 2700
# end complete
";
    let trace = trace_of(text);
    let events = trace["traceEvents"].as_array().unwrap();
    let lives: Vec<_> = events.iter().filter(|event| event["ph"] == "X").collect();
    let named = |name: &str| *lives.iter().find(|event| event["name"] == name).unwrap();
    let (make, cc, worker) = (named("make"), named("cc"), named("worker"));
    assert_eq!(
        (make["ts"].as_u64(), make["dur"].as_u64()),
        (Some(1000), Some(2000))
    );
    assert_eq!(
        (cc["ts"].as_u64(), cc["dur"].as_u64()),
        (Some(1500), Some(500))
    );
    assert_eq!(make["args"]["status"], "exit 1");
    assert_eq!(
        (&cc["args"]["status"], &cc["args"]["parent"]),
        (&"signal 9".into(), &"make (7)".into())
    );
    assert_eq!(cc["args"]["user_us"], 300);
    // The thread is one of its process; the PID that it shares with an ended one is not mixed up.
    assert_eq!(
        (&worker["pid"], &worker["tid"]),
        (&make["pid"], &(TRACKS + 2).into())
    );
    assert_eq!(cc["pid"], 8);
}
