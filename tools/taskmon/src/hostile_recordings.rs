// SPDX-License-Identifier: GPL-2.0

//! Property tests: whatever is in a recording, each subcommand that reads it either writes valid
//! output, or fails with one line that says what is wrong.
//!
//! The recordings are valid ones with random changes. PROPTEST_CASES sets how many are tried.

use crate::{
    cli::Format,
    cpu_share::total_series,
    history::{Source, StableHistory},
    subcommands::{
        export,
        plot::{self, Layout},
    },
};
use anyhow::Result;
use proptest::{
    prelude::*,
    sample::{select, Index},
};
use std::{fs, io::Write};

const PLAIN: &str = "\
pid:7 num:3 : usr 1000 sys 20 time 884683417
pid:7 num:4 : usr 1500 sys 20 time 884783417
pid:7 num:5 : usr 1600 sys 25 time 884883000 exit
pid:7 num:0 : usr 0 sys 0 time 884883001
pid:9 num:0 : usr 0 sys 0 time 884783417
pid:9 num:1 : usr 90000 sys 1 time 884883417
";

const FORMAT_1: &str = "\
# taskmon 1
# period_ms 100
# tree 7
# command make -j4
# task 7 make
pid:7 num:0 : usr 0 sys 0 time 10000
pid:7 num:1 : usr 50000 sys 9000 time 110000
pid:7 num:2 : usr 60000 sys 9000 time 120000 exit
# task 8 cc1
pid:8 num:0 : usr 0 sys 0 time 20000
pid:8 num:1 : usr 70000 sys 0 time 120000
";

const FORMAT_2: &str = "\
# taskmon 2
# host web1
# kernel 7.3.4
# cpus 4
# boot_id 1f0c
# period_ms 20
# clock 884683400 1796000000000000
# command make -j4
# tree 7
# task pid:7 : id 41 parent 1 root 7 cgroup 2817 started 9000 first 0 next 1 usr 0 sys 0 name sh
# samples 41
pid:7 num:0 : usr 0 sys 0 time 10000
pid:7 num:1 : usr 5000 sys 9000 time 30000
# task pid:8 : id 42 parent 7 root 7 started 10000 first 0 next 1 usr 0 sys 0 name a\\134\\033b
# samples 42
pid:8 num:0 : usr 0 sys 0 time 11000
pid:8 num:1 : usr 19000 sys 0 time 31000
# samples 41
pid:7 num:2 : usr 25000 sys 9000 time 50000
# evicted 42 3
pid:7 num:3 : usr 26000 sys 9000 time 52000 exit
# task pid:7 : id 41 parent 1 started 9000 ended 51000 status 9 first 0 next 4 usr 26000 sys 9000 name make
# samples 42
pid:8 num:5 : usr 39000 sys 0 time 51000
# lost 2
# end incomplete
";

/// A number that overflows something.
const NUMBERS: [&str; 10] = [
    "0",
    "1",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-1",
    "999999999999999999999999999999",
];

/// Text that is somehow special.
const TEXTS: [&[u8]; 12] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"#",
    b"# samples 42\n",
    b"# taskmon 2\n",
    b"# end complete\n",
    b"\\777",
    b"\xff\xfe",
    b"\x1b[31m",
    "\u{202e}".as_bytes(),
    b"<&\">]]>",
];

/// A change of a recording. The indexes are taken modulo what there is.
#[derive(Clone, Debug)]
enum Change {
    SetByte(Index, u8),
    Insert(Index, &'static [u8]),
    /// Replaces one of the numbers.
    SetNumber(Index, &'static str),
    DeleteLine(Index),
    RepeatLine(Index),
    SwapLines(Index, Index),
    /// Removes everything behind a position.
    Cut(Index),
    /// Appends the beginning of the recording.
    Append(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::SetByte(at, byte)),
        1 => (at(), select(&TEXTS[..])).prop_map(|(at, text)| Change::Insert(at, text)),
        4 => (at(), select(&NUMBERS[..])).prop_map(|(at, text)| Change::SetNumber(at, text)),
        1 => at().prop_map(Change::DeleteLine),
        1 => at().prop_map(Change::RepeatLine),
        1 => (at(), at()).prop_map(|(one, other)| Change::SwapLines(one, other)),
        1 => at().prop_map(Change::Cut),
        1 => at().prop_map(Change::Append),
    ]
}

fn apply(text: &mut Vec<u8>, change: &Change) {
    if text.is_empty() {
        return;
    }
    let mut lines: Vec<Vec<u8>> = text
        .split_inclusive(|byte| *byte == b'\n')
        .map(Into::into)
        .collect();
    match change {
        Change::SetByte(at, byte) => {
            let at = at.index(text.len());
            text[at] = *byte;
            return;
        }
        Change::Insert(at, inserted) => {
            let at = at.index(text.len());
            text.splice(at..at, inserted.iter().copied());
            return;
        }
        Change::SetNumber(at, number) => {
            let digit = |at: &usize| text[*at].is_ascii_digit();
            let begins: Vec<usize> = (0..text.len())
                .filter(|at| digit(at) && (*at == 0 || !digit(&(at - 1))))
                .collect();
            if !begins.is_empty() {
                let begin = *at.get(&begins);
                let len = (begin..text.len()).take_while(digit).count();
                text.splice(begin..begin + len, number.bytes());
            }
            return;
        }
        Change::Cut(at) => {
            text.truncate(at.index(text.len()));
            return;
        }
        Change::Append(at) => {
            text.extend_from_within(..at.index(text.len()));
            return;
        }
        Change::DeleteLine(at) => drop(lines.remove(at.index(lines.len()))),
        Change::RepeatLine(at) => lines.push(at.get(&lines).clone()),
        Change::SwapLines(one, other) => {
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            lines.swap(one, other);
        }
    }
    *text = lines.concat();
}

fn recording() -> impl Strategy<Value = Vec<u8>> {
    let base = prop_oneof![1 => Just(PLAIN), 1 => Just(FORMAT_1), 3 => Just(FORMAT_2)];
    (base, prop::collection::vec(change(), 0..6)).prop_map(|(base, changes)| {
        let mut text = base.as_bytes().to_vec();
        changes.iter().for_each(|change| apply(&mut text, change));
        text
    })
}

/// Returns whether the recording could be read. Fails if an error has not exactly one line.
fn is_read<T>(result: &Result<T>) -> bool {
    let Err(error) = result else {
        return true;
    };
    let text = format!("{error:#}");
    assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
    false
}

fn exported(source: &Source, format: Format) -> Result<String> {
    let mut to = Vec::new();
    export::write(source, format, false, &mut to)?;
    Ok(String::from_utf8(to).expect("the output is UTF-8"))
}

/// Runs all that reads recordings.
fn read_in_all_ways(text: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text).unwrap();
    let source = Source::Recording(file.path().into());

    let csv = exported(&source, Format::Csv);
    let is_valid = is_read(&csv);
    let mut rows = 0;
    if let Ok(csv) = &csv {
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let records: csv::Result<Vec<_>> = reader.records().collect();
        rows = records.unwrap().len();
    }
    let json = exported(&source, Format::Json);
    assert_eq!(is_read(&json), is_valid);
    if let Ok(json) = &json {
        let values = json.lines().map(serde_json::from_str);
        let values: serde_json::Result<Vec<serde_json::Value>> = values.collect();
        assert_eq!(values.unwrap().len(), rows);
    }
    let perfetto = exported(&source, Format::Perfetto);
    assert_eq!(is_read(&perfetto), is_valid);
    if let Ok(perfetto) = &perfetto {
        serde_json::from_str::<serde_json::Value>(perfetto).unwrap();
    }
    let openmetrics = exported(&source, Format::Openmetrics);
    assert_eq!(is_read(&openmetrics), is_valid);

    // A pipe is copied first, to the same effect.
    let history = StableHistory::read(&source, false);
    assert_eq!(is_read(&history), is_valid);
    let Ok(history) = history else {
        return;
    };
    let total = total_series(&history, 100).unwrap();
    assert!(total.total_shares().flatten().all(f64::is_finite));
    let (peak, over_s) = total.peak(0.1);
    assert!(peak.is_finite() && over_s.is_finite());
    for layout in [None, Some(Layout::Panels), Some(Layout::Stacked)] {
        let drawing = plot::draw(&history, layout, None, 960);
        if is_read(&drawing) {
            is_drawing(&drawing.unwrap());
        }
    }
}

/// Checks that an SVG drawing is valid.
fn is_drawing(svg: &str) {
    let tree = resvg::usvg::Tree::from_str(svg, &resvg::usvg::Options::default());
    assert!(tree.is_ok(), "{svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn changed_recordings(text in recording()) {
        read_in_all_ways(&text);
    }

    #[test]
    fn any_bytes(text in prop::collection::vec(any::<u8>(), 0..200)) {
        read_in_all_ways(&text);
    }
}

#[test]
fn unchanged_recordings() {
    for text in [PLAIN, FORMAT_1, FORMAT_2] {
        read_in_all_ways(text.as_bytes());
    }
}

#[test]
fn other_files_than_recordings() {
    for path in ["/proc/self/exe", "/dev/zero", "/tmp", "/no/such"] {
        let source = Source::Recording(path.into());
        assert!(!is_read(&exported(&source, Format::Csv)), "{path}");
        assert!(!is_read(&StableHistory::read(&source, false)), "{path}");
    }
    assert!(fs::read("/dev/null").unwrap().is_empty());
    assert!(is_read(&exported(
        &Source::Recording("/dev/null".into()),
        Format::Csv
    )));
}
