// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::{
    cli::{Form, Rows},
    excerpt::Excerpt,
    history::Source,
    subcommands::report::Options,
};
use std::io::Write as _;

/// make forks cc1, which forks as. make ends before the others. Nothing is sampled from 4 s to 6 s.
const TEXT: &str = "\
# taskmon 3
# cpus 2
# period_ms 1000
# task pid:10 : id 1 root 10 started 1000000 ended 4000000 status 256 threads 2 first 0 next 3 usr 0 sys 0 name make
# task pid:11 : id 2 thread tgid 10 started 1000000 first 0 next 2 usr 0 sys 0 name worker
# task pid:20 : id 3 parent 10 root 10 started 2000000 threads 1 first 0 next 2 usr 0 sys 0 name cc1
# task pid:30 : id 4 parent 20 root 10 started 2000000 ended 8000000 status 9 threads 1 first 0 next 2 usr 0 sys 0 name as
# samples 1
pid:10 num:0 : usr 0 sys 0 wait 0 time 1000000
pid:10 num:1 : usr 500000 sys 100000 wait 3 time 2000000
pid:10 num:2 : usr 500000 sys 100000 wait 3 time 4000000 exit
# samples 2
pid:11 num:0 : usr 0 sys 0 wait 0 time 1000000
pid:11 num:1 : usr 300000 sys 0 wait 0 time 2000000
# samples 3
pid:20 num:0 : usr 0 sys 0 wait 0 time 2000000
pid:20 num:1 : usr 900000 sys 0 wait 0 time 3000000
pid:20 num:5 : usr 900000 sys 0 wait 0 time 6000000
pid:20 num:6 : usr 900000 sys 0 wait 0 time 7000000
pid:20 num:7 : usr 900000 sys 0 wait 0 time 8000000
# samples 4
pid:30 num:0 : usr 0 sys 0 wait 0 time 2000000
pid:30 num:1 : usr 700000 sys 0 wait 0 time 3000000
pid:30 num:5 : usr 700000 sys 0 wait 0 time 6000000
pid:30 num:6 : usr 700000 sys 100000 wait 0 time 7000000
pid:30 num:7 : usr 700000 sys 100000 wait 0 time 8000000 exit
# end complete
";

fn report(by: ReportBy, has_threads: bool, since: &str, rows: Rows) -> (Report, WallClock) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(TEXT.as_bytes()).unwrap();
    let times = crate::cli::Times {
        since: (!since.is_empty()).then(|| since.parse().unwrap()),
        ..Default::default()
    };
    let excerpt = Excerpt::read(&Source::Recording(file.path().into()), &times, false).unwrap();
    let options = Options {
        by,
        rows,
        has_threads,
    };
    let report = Report::of(&excerpt, &options).unwrap();
    (report, excerpt.clock)
}

/// The words of each line of the table.
fn words(by: ReportBy, has_threads: bool, since: &str, rows: Rows) -> Vec<Vec<String>> {
    let (report, clock) = report(by, has_threads, since, rows);
    let text = table(&report, &clock);
    let words = |line: &str| line.split_whitespace().map(str::to_string).collect();
    text.lines().skip(1).map(words).collect()
}

fn names(rows: &[Vec<String>]) -> Vec<&str> {
    rows.iter()
        .map(|row| row.last().unwrap().as_str())
        .collect()
}

#[test]
fn by_process() {
    let rows = words(ReportBy::Process, false, "", Rows::default());
    assert_eq!(names(&rows), ["cc1", "as", "make"]);
    let as_text = rows[1].join(" ");
    let expected = "30 0.700 0.100 0.000 11.4% 70.0% boot+2.000s boot+8.000s signal 9 as";
    assert_eq!(as_text, expected);
    assert!(rows[2].join(" ").contains("exit 1 make"), "{rows:?}");
}

/// A parent has the sums of its descendants, also in a window after its end.
#[test]
fn by_tree() {
    let rows = words(ReportBy::Tree, false, "", Rows::default());
    assert_eq!(names(&rows), ["make", "cc1", "as"]);
    assert_eq!(&rows[0][..3], ["10", "2.100", "0.200"]);
    // Both processes used CPU time in the same second.
    assert_eq!((&*rows[0][5], &*rows[1][5]), ("160.0%", "160.0%"));
    let rows = words(ReportBy::Tree, false, "boot+6s", Rows::default());
    assert_eq!(names(&rows), ["make", "cc1", "as"]);
    let make = rows[0].join(" ");
    let expected = "10 0.000 0.100 0.000 5.0% 10.0% boot+6.000s boot+8.000s exit 1 make";
    assert_eq!(make, expected);
}

#[test]
fn by_command() {
    let rows = words(ReportBy::Root, false, "", Rows::default());
    assert_eq!(rows.len(), 1);
    assert!(
        rows[0].join(" ").ends_with("2 failed make (10)"),
        "{rows:?}"
    );
}

/// Threads are below their processes, and not counted again.
#[test]
fn with_threads() {
    for by in [ReportBy::Process, ReportBy::Tree] {
        let (report, clock) = report(by, true, "", Rows::default());
        assert_eq!((report.total.usr_us, report.processes), (2_100_000, 3));
        let text = table(&report, &clock);
        let lines: Vec<&str> = text.lines().collect();
        let make = lines.iter().position(|line| line.ends_with(" make"));
        let below = lines[make.unwrap() + 1..].iter();
        assert!(
            below.clone().any(|line| line.ends_with("   worker")),
            "{text}"
        );
    }
}

/// What is left out is summed up, nothing twice.
#[test]
fn left_out() {
    let rows = Rows {
        form: Form {
            number: Some(1),
            ..Form::default()
        },
        reverse: true,
        ..Rows::default()
    };
    for by in [ReportBy::Process, ReportBy::Tree] {
        let (report, _) = report(by, true, "", rows.clone());
        let rows = report.rows.iter().map(|row| row.own.cpu_us());
        let all_us = rows.sum::<u64>() + report.left_out_usage.cpu_us();
        assert_eq!(all_us, report.total.cpu_us());
    }
}

#[test]
fn lines_of_the_head() {
    let (report, clock) = report(ReportBy::Process, false, "", Rows::default());
    let text = head(&report, &clock);
    assert!(
        text.contains("2 CPUs; sampled every 1000 ms; 3 processes\n"),
        "{text}"
    );
    assert!(text.contains("idle, or used by others"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(!text.contains("nothing was sampled"), "{text}");
}

#[test]
fn nothing_to_report() {
    let rows = Rows {
        filter: vec!["none".parse().unwrap()],
        ..Rows::default()
    };
    let (report, clock) = report(ReportBy::Process, false, "", rows);
    let text = whole(&report, &clock);
    assert!(
        text.ends_with("  none of the selected tasks was sampled twice in this window\n"),
        "{text}"
    );
}
