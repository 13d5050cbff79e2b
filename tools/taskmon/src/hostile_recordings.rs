// SPDX-License-Identifier: GPL-2.0

//! Property tests: whatever is in a recording, each subcommand that reads it either writes valid
//! output, or fails with one line that says what is wrong.
//!
//! The recordings are valid ones with random changes. PROPTEST_CASES sets how many are tried.

mod recordings;

use crate::{
    cli::{Diff, DiffBy, Form, Format, ReportBy, Rows, Times},
    excerpt::Excerpt,
    history::{Source, StableHistory},
    subcommands::{
        diff, export,
        plot::{self, Layout, Options},
        report,
        top::Replay,
    },
};
use anyhow::Result;
use clap::ValueEnum;
use proptest::{
    prelude::*,
    sample::{select, Index},
};
use recordings::{FORMAT_1, FORMAT_2, FORMAT_3, PLAIN};
use std::{fs, io::Write, path::Path};

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
const TEXTS: [&[u8]; 14] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"#",
    b"# samples 42\n",
    b"# taskmon 2\n",
    b"# end complete\n",
    b" wait 5",
    b" wait ",
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
    let base = prop_oneof![
        1 => Just(PLAIN),
        1 => Just(FORMAT_1),
        2 => Just(FORMAT_2),
        2 => Just(FORMAT_3),
    ];
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
    export::write(source, &Times::default(), format, false, &mut to)?;
    Ok(String::from_utf8(to).expect("the output is UTF-8"))
}

/// Runs all that reads recordings.
fn read_in_all_ways(text: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text).unwrap();
    let source = Source::Recording(file.path().into());

    let csv = exported(&source, Format::Csv);
    let is_valid = is_read(&csv);
    let mut waits = Vec::new();
    if let Ok(csv) = &csv {
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let records: csv::Result<Vec<csv::StringRecord>> = reader.records().collect();
        let wait = |record: &csv::StringRecord| record[9].parse::<u64>().ok();
        waits = records.unwrap().iter().map(wait).collect();
    }
    let json = exported(&source, Format::Json);
    assert_eq!(is_read(&json), is_valid);
    if let Ok(json) = &json {
        let values = json.lines().map(serde_json::from_str);
        let values: serde_json::Result<Vec<serde_json::Value>> = values.collect();
        let values = values.unwrap();
        let in_json: Vec<Option<u64>> = values
            .iter()
            .map(|value| value["wait_us"].as_u64())
            .collect();
        assert_eq!(in_json, waits);
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
    let excerpt = Excerpt::whole(&source, false).unwrap();
    drop(history);
    reported(&excerpt);
    paged(&excerpt);
    compared(&excerpt, file.path());
    replayed(&excerpt);
    for layout in [None, Some(Layout::Panels), Some(Layout::Stacked)] {
        let options = Options {
            layout,
            ..Options::default()
        };
        let drawing = plot::draw(&excerpt, &options, 960);
        if is_read(&drawing) {
            is_drawing(&drawing.unwrap());
        }
    }
}

/// Writes the web page: no name ends the data.
fn paged(excerpt: &Excerpt) {
    let mut to = Vec::new();
    if is_read(&plot::write_page(excerpt, &Options::default(), &mut to)) {
        let text = String::from_utf8(to).expect("the output is UTF-8");
        let (_, data) = text.split_once("id=\"data\">").unwrap();
        let (data, rest) = data.split_once("</script>").unwrap();
        serde_json::from_str::<serde_json::Value>(data).unwrap();
        assert_eq!(rest.matches("</script>").count(), 1);
    }
}

/// Returns all forms of a table.
fn forms() -> impl Iterator<Item = Form> {
    let all = [(false, false), (true, false), (false, true)];
    all.into_iter().map(|(json, csv)| Form {
        number: Some(3),
        json,
        csv,
    })
}

/// Shows the recording at several moments.
fn replayed(excerpt: &Excerpt) {
    if let Ok(mut replay) = Replay::of("a recording", excerpt, 1_000_000) {
        for steps in [0, -1, i64::MIN, 1, 1000, i64::MAX] {
            replay.step(steps);
            replay.table();
            assert!(!replay.moment().is_empty());
        }
    }
}

/// Writes all reports. Those by process and by command have the same sum.
fn reported(excerpt: &Excerpt) {
    let mut sums = Vec::new();
    for by in ReportBy::value_variants() {
        for form in forms() {
            let options = report::Options {
                by: *by,
                rows: Rows {
                    form: form.clone(),
                    ..Rows::default()
                },
                has_threads: matches!(by, ReportBy::Process | ReportBy::Tree),
            };
            let mut to = Vec::new();
            report::write(excerpt, &options, &mut to).unwrap();
            let text = String::from_utf8(to).expect("the output is UTF-8");
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
            if form.json {
                let value: serde_json::Value = serde_json::from_str(&text).unwrap();
                sums.push((value["usr_us"].clone(), value["sys_us"].clone()));
            }
        }
    }
    assert!(sums.windows(2).all(|two| two[0] == two[1]), "{sums:?}");
}

/// Compares a recording with itself, in all ways. Nothing has changed.
fn compared(excerpt: &Excerpt, path: &Path) {
    for by in DiffBy::value_variants() {
        for form in forms() {
            let arguments = Diff {
                before: path.into(),
                after: path.into(),
                by: *by,
                form: form.clone(),
            };
            let mut to = Vec::new();
            diff::write(excerpt, excerpt, &arguments, &mut to).unwrap();
            let text = String::from_utf8(to).expect("the output is UTF-8");
            if form.json {
                let value: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(value["total"]["change_us"], 0, "{text}");
            }
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
    for text in [PLAIN, FORMAT_1, FORMAT_2, FORMAT_3] {
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
