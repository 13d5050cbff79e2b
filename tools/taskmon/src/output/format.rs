// SPDX-License-Identifier: GPL-2.0

//! Times, shares and names as text.

pub use super::escape::{as_data, escaped, printable, unescaped};

/// Returns microseconds as seconds, with all six decimals.
pub fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

/// Returns microseconds as seconds, rounded to milliseconds.
pub fn short_seconds(us: u64) -> String {
    let ms = us.saturating_add(500) / 1000;
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Returns a value as text, `-` if it is not known.
pub fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or("-".to_string(), |value| value.to_string())
}

/// Returns microseconds in a short form: 31.2 ms, 4.56 s, 3 min 20 s, 2 h 05 min.
pub fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        1_000_000..60_000_000 => format!("{:.2} s", us as f64 / 1e6),
        60_000_000..3_600_000_000 => {
            format!("{} min {:02} s", us / 60_000_000, us / 1_000_000 % 60)
        }
        _ => format!("{} h {:02} min", us / 3_600_000_000, us / 60_000_000 % 60),
    }
}

/// Returns a number of CPUs as text.
pub fn cpus_text(cpus: u32) -> String {
    match cpus {
        1 => "1 CPU".to_string(),
        cpus => format!("{cpus} CPUs"),
    }
}

/// Returns a share of one CPU in per cent. 1.0 is one whole CPU. From 10,000 % on, which only a long
/// wait or many threads can reach, it has no decimal, so that columns stay narrow.
pub fn percent(share: f64) -> String {
    let decimals = if share < 100.0 { 1 } else { 0 };
    format!("{:.decimals$}%", share * 100.0)
}

/// Returns shares as a row of block characters, a space for each `None`.
///
/// The tallest block stands for the highest share, or for `full` if that is higher.
pub fn sparkline(shares: &[Option<f64>], full: f64) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let top = shares.iter().flatten().copied().fold(full, f64::max);
    let block = |share: &Option<f64>| match share {
        None => ' ',
        // CAST: `min` bounds it.
        Some(share) if top > 0.0 => BLOCKS[((share / top * 8.0) as usize).min(7)],
        Some(_) => BLOCKS[0],
    };
    shares.iter().map(block).collect()
}

/// Reduces shares to at most `max_len` values, each the mean of neighbouring ones. A mean of no
/// known value is `None`.
pub fn downsampled(shares: &[Option<f64>], max_len: usize) -> Vec<Option<f64>> {
    let len = max_len.clamp(1, shares.len().max(1));
    (0..len)
        .map(|index| {
            let part = &shares[index * shares.len() / len..(index + 1) * shares.len() / len];
            let known: Vec<f64> = part.iter().flatten().copied().collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        })
        .collect()
}

/// Returns the printable name of a task, `?` if it is unknown.
pub fn task_name(name: Option<&str>) -> String {
    printable(name.unwrap_or("?"))
}

/// Returns how messages name a task: `nginx (PID 812)`.
pub fn task_label(name: &[u8], pid: u32) -> String {
    format!("{} (PID {pid})", printable(&as_data(name)))
}

/// Returns the state letter of a task, `ended` if there is none.
pub fn task_state(state: Option<char>) -> String {
    state.map_or("ended".to_string(), |state| state.to_string())
}

/// Returns how a task ended, from its wait status: `exit 3`, `signal 9`, `signal 6 core`.
pub fn wait_status(status: i32) -> String {
    // As in wait(2): the signal is in the low seven bits, and the eighth says that it left a core
    // file.
    match (status & 0x7f, status & 0x80) {
        (0, _) => format!("exit {}", status >> 8 & 0xff),
        (signal, 0) => format!("signal {signal}"),
        (signal, _) => format!("signal {signal} core"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(seconds(12_000_034), "12.000034");
        assert_eq!(duration(999), "999 µs");
        assert_eq!(duration(31_234), "31.2 ms");
        assert_eq!(duration(4_560_000), "4.56 s");
        assert_eq!(duration(200_000_000), "3 min 20 s");
        assert_eq!(duration(7_500_000_000), "2 h 05 min");
    }

    #[test]
    fn shares() {
        assert_eq!(percent(0.5), "50.0%");
        assert_eq!(percent(99.99), "9999.0%");
        assert_eq!(percent(9999.99), "999999%");
    }

    #[test]
    fn wait_statuses() {
        assert_eq!(wait_status(0), "exit 0");
        assert_eq!(wait_status(0xff00), "exit 255");
        assert_eq!(wait_status(9), "signal 9");
        assert_eq!(wait_status(0x86), "signal 6 core");
    }

    #[test]
    fn sparklines() {
        assert_eq!(
            sparkline(&[Some(0.0), None, Some(0.5), Some(1.0)], 0.0),
            "▁ ▅█"
        );
        assert_eq!(sparkline(&[Some(0.5), Some(1.0)], 2.0), "▃▅");
        assert_eq!(sparkline(&[Some(0.0)], 0.0), "▁");
        assert_eq!(sparkline(&[], 0.0), "");
        let four = [Some(1.0), Some(3.0), None, None];
        assert_eq!(downsampled(&four, 2), [Some(2.0), None]);
        assert_eq!(downsampled(&four, 9), four);
        assert_eq!(downsampled(&[], 9), [None]);
    }
}
