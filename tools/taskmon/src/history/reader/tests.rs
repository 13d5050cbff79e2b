// SPDX-License-Identifier: GPL-2.0

//! Tests of the reader: each format, and lines that have no place in a recording.

use super::*;

/// Returns a reader of `text`.
pub fn history_of(text: &str) -> HistoryReader {
    history_of_bytes(text.as_bytes())
}

/// Returns a reader of `text`, which need not be UTF-8.
fn history_of_bytes(text: &[u8]) -> HistoryReader {
    let input = std::io::Cursor::new(text.to_vec());
    HistoryReader::new("text", input, Metadata::default(), Progress::hidden())
}

/// Returns index, PID, name and sample time of each sample.
fn read(history: &mut HistoryReader) -> Vec<(usize, u32, String, u64)> {
    let mut seen = Vec::new();
    while let Some((task, sample)) = history.next().unwrap() {
        let name = task.label().to_string();
        seen.push((task.index, task.pid, name, sample.time_us));
    }
    seen
}

fn expected<const N: usize>(all: [(usize, u32, &str, u64); N]) -> Vec<(usize, u32, String, u64)> {
    let owned = |(index, pid, name, time): (usize, u32, &str, u64)| (index, pid, name.into(), time);
    all.map(owned).into()
}

fn complaint(text: &[u8]) -> String {
    let mut history = history_of_bytes(text);
    loop {
        match history.next() {
            Ok(Some(_)) => {}
            Ok(None) => return "none".to_string(),
            Err(error) => return error.to_string(),
        }
    }
}

const FORMAT_1: &str = "\
# taskmon 1
# period_ms 50
# command make all
# task 7 sh
pid:7 num:0 : usr 0 sys 0 time 10
pid:7 num:1 : usr 5 sys 0 time 20 exit
# task 7 cc
pid:7 num:3 : usr 1 sys 0 time 30
pid:8 num:0 : usr 0 sys 0 time 40
";

const FORMAT_2: &str = "\
# taskmon 2
# period_ms 50
# command make\\012all
# task pid:7 : id 41 started 9 first 0 next 1 usr 0 sys 0 name sh
# task pid:9 : id 40 started 9 first 0 next 0 usr 0 sys 0 name unseen
# samples 41
pid:7 num:0 : usr 0 sys 0 time 10
# task pid:8 : id 42 parent 7 started 9 first 0 next 1 usr 0 sys 0 name cc
# samples 42
pid:8 num:0 : usr 0 sys 0 time 11
# samples 41
pid:7 num:1 : usr 0 sys 0 time 12 exit
# samples 42
pid:8 num:4 : usr 0 sys 0 time 13
# task pid:7 : id 41 started 9 ended 12 status 0 first 0 next 2 usr 0 sys 0 name make
# task pid:7 : id 43 started 14 first 0 next 1 usr 0 sys 0 name true
# samples 43
pid:7 num:0 : usr 0 sys 0 time 15 exit
# evicted 42 3
# end incomplete
";

#[test]
fn format_1() {
    let mut history = history_of(FORMAT_1);
    let samples = expected([
        (0, 7, "sh", 10),
        (0, 7, "sh", 20),
        (1, 7, "cc", 30),
        (2, 8, "?", 40),
    ]);
    assert_eq!(read(&mut history), samples);
    let metadata = history.metadata();
    assert_eq!(metadata.period_ms, Some(50));
    assert_eq!(metadata.command.as_deref(), Some("make all"));
    assert_eq!(metadata.what_is_missing(), None);
}

#[test]
fn format_2() {
    let mut history = history_of(FORMAT_2);
    let mut first = None;
    if let Some((task, _)) = history.next().unwrap() {
        first = Some(task.clone());
    }
    let samples = expected([
        (1, 8, "cc", 11),
        (0, 7, "sh", 12),
        (1, 8, "cc", 13),
        (2, 7, "true", 15),
    ]);
    assert_eq!(read(&mut history), samples);
    let first = history.updated(&first.unwrap());
    assert_eq!(
        (first.index, first.id(), first.label()),
        (0, Some(41), "make")
    );
    assert_eq!(first.info.unwrap().status, Some(0));
    let metadata = history.metadata();
    assert_eq!(metadata.command.as_deref(), Some("make\nall"));
    assert_eq!(
        metadata.what_is_missing().as_deref(),
        Some("incomplete: 3 samples were evicted")
    );
}

#[test]
fn waiting_is_read_where_it_is_known() {
    let waited = |text: &str| {
        let mut history = history_of(text);
        let mut found = Vec::new();
        while let Some((_, sample)) = history.next().unwrap() {
            found.push(sample.wait_us);
        }
        found
    };
    assert_eq!(waited(FORMAT_1), [None; 4]);
    assert_eq!(waited(FORMAT_2), [None; 5]);
    let format_3 = FORMAT_2
        .replace("# taskmon 2", "# taskmon 3")
        .replace("num:0 : usr 0 sys 0", "num:0 : usr 0 sys 0 wait 8");
    assert_eq!(waited(&format_3), [Some(8), Some(8), None, None, Some(8)]);
}

#[test]
fn a_recording_that_is_cut_off_at_any_byte() {
    let lines_of = |text: &str| text.matches('\n').count() as u64;
    let all = read(&mut history_of(FORMAT_2));
    for end in 0..FORMAT_2.len() {
        let text = &FORMAT_2[..end];
        let mut history = history_of(text);
        let samples = read(&mut history);
        let whole = text.lines().filter(|line| line.starts_with("pid:")).count();
        let is_cut = !text.ends_with('\n');
        let last_is_sample = text
            .lines()
            .last()
            .is_some_and(|line| line.starts_with("pid:"));
        assert_eq!(samples.len(), whole - usize::from(is_cut && last_is_sample));
        assert_eq!(samples, all[..samples.len()]);
        if end > "# taskmon 2".len() {
            let line = lines_of(text) + u64::from(is_cut);
            assert_eq!(history.metadata().cut_off_at, Some(line));
        }
    }
    assert_eq!(history_of("").metadata().cut_off_at, None);
}

#[test]
fn lines_that_are_out_of_place() {
    let begin = "# taskmon 2\n# task pid:7 : id 4 started 0 first 0 next 0 usr 0 sys 0 name a\n";
    for (text, message) in [
        (
            "pid:7 num:0 : usr 0 sys 0 time 1\n",
            "line 3: a sample before the id of its task",
        ),
        (
            "# samples 5\n",
            "line 3: no task with the id 5 before this line",
        ),
        (
            "# evicted 5 1\n",
            "line 3: no task with the id 5 before this line",
        ),
        ("# samples x\n", "line 3: `# samples` without a valid value"),
        ("# task 7 a\n", "line 3: a task without an id"),
        (
            "# end complete\n# samples 4\n",
            "line 4: after the end of the recording",
        ),
        (
            "# taskmon 2\n",
            "line 3: another recording begins: read each one alone",
        ),
        (
            "# task pid:8 : id 4 started 0 first 0 next 0 usr 0 sys 0 name a\n",
            "line 3: the id 4 is of PID 7, not 8",
        ),
        (
            "# samples 4\npid:8 num:0 : usr 0 sys 0 time 1\n",
            "line 4: PID 8 in the samples of PID 7",
        ),
    ] {
        assert_eq!(
            complaint((begin.to_string() + text).as_bytes()),
            format!("text: {message}")
        );
    }
    let first = format!("{begin}# samples 4\npid:7 num:3 : usr 0 sys 0 time 9\n");
    for (text, message) in [
        ("num:3 : usr 0 sys 0 time 9", "sample 3 after sample 3"),
        ("num:2 : usr 0 sys 0 time 9", "sample 2 after sample 3"),
        ("num:4 : usr 0 sys 0 time 8", "time 8 after time 9"),
    ] {
        let text = format!("{first}pid:7 {text}\n");
        assert_eq!(
            complaint(text.as_bytes()),
            format!("text: line 5: {message}")
        );
    }
    let ended = FORMAT_2.replace("# end incomplete\n", "pid:7 num:1 : usr 0 sys 0 time 15\n");
    assert_eq!(
        complaint(ended.as_bytes()),
        "text: line 20: a sample of PID 7 after its exit"
    );
}

#[test]
fn other_files() {
    for (text, message) in [
        (&b"hello\n"[..], "line 1: not a sample"),
        (b"\0\0\0\n", "line 1: not a sample"),
        (b"\x7fELF\x02\x01\n", "line 1: not a sample"),
        (
            b"# taskmon 4\n",
            "line 1: a recording of format 4; this taskmon reads the formats 1 to 3",
        ),
        (
            b"# taskmon 1\n# taskmon 2\n",
            "line 2: another recording begins: read each one alone",
        ),
        (
            b"pid:1 num:0 : usr 0 sys 0 time 2\npid:1 num:1 : usr 0 sys 0 time 1\n",
            "line 2: time 1 after time 2",
        ),
    ] {
        assert_eq!(complaint(text), format!("text: {message}"));
    }
    let long = vec![b'#'; 1 << 17];
    assert_eq!(complaint(&long), "text: line 1: longer than 65536 bytes");
    assert_eq!(complaint(b"# a note\n#\n# samples x\n# task x\n"), "none");
}

#[test]
fn too_many_tasks() {
    let most = order::MAX_TASKS;
    let plain: String = (0..=most)
        .map(|pid| format!("pid:{pid} num:0 : usr 0 sys 0 time 1\n"))
        .collect();
    let message = format!("text: line {}: more than {most} tasks", most + 1);
    assert_eq!(complaint(plain.as_bytes()), message);
    let tasks = (0..=most)
        .map(|id| format!("# task pid:7 : id {id} started 0 first 0 next 0 usr 0 sys 0 name a\n"));
    let recording: String = ["# taskmon 2\n".to_string()]
        .into_iter()
        .chain(tasks)
        .collect();
    let message = format!("text: line {}: more than {most} tasks", most + 2);
    assert_eq!(complaint(recording.as_bytes()), message);
}
