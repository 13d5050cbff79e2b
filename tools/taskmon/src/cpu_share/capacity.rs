// SPDX-License-Identifier: GPL-2.0

//! Makes the sum of several time series believable: together, tasks cannot use more than the CPUs of
//! the machine. What is too much in a bin was used before, and booked late: see `spread`.

use super::{time_series::Bin, Shares, TimeSeries};

/// Moves what all series together have too much in a bin to the bins before, the nearest first, from
/// each series in proportion to what it has there. What finds no room before is moved to later bins.
/// The sum of each series stays the same. All series have the same bins.
pub fn fit(series: &mut [&mut TimeSeries], cpus: u32) {
    let bins = series.first().map_or(0, |one| one.bins.len());
    let mut moved = vec![Moved::default(); series.len()];
    for index in (0..bins).rev() {
        fit_bin(series, index, cpus, &mut moved);
    }
    for index in 0..bins {
        fit_bin(series, index, cpus, &mut moved);
    }
    // A sum that all bins together have no room for stays in the last bin that was sampled.
    let last = (0..bins)
        .rev()
        .find(|index| sampled_us(series, *index) > 0.0);
    if let Some(last) = last {
        for (one, moved) in series.iter_mut().zip(&moved) {
            moved.add_to(&mut one.bins[last], 1.0);
        }
    }
}

/// User and system time that is moved from one bin of a series to another one.
#[derive(Clone, Copy, Debug, Default)]
struct Moved {
    usr: f64,
    sys: f64,
}

impl Moved {
    fn take_from(&mut self, bin: &mut Bin, fraction: f64) {
        let Shares { usr, sys, .. } = bin.sums;
        self.usr += usr * fraction;
        self.sys += sys * fraction;
        bin.sums.usr -= usr * fraction;
        bin.sums.sys -= sys * fraction;
    }

    fn add_to(&self, bin: &mut Bin, fraction: f64) {
        bin.sums.usr += self.usr * fraction;
        bin.sums.sys += self.sys * fraction;
    }
}

/// Takes what is too much in a bin, or adds what was taken from other bins if there is room.
fn fit_bin(series: &mut [&mut TimeSeries], index: usize, cpus: u32, moved: &mut [Moved]) {
    let used: f64 = series.iter().map(|one| one.bins[index].sums.cpu()).sum();
    let room = f64::from(cpus) * sampled_us(series, index) - used;
    let pairs = series.iter_mut().zip(moved.iter_mut());
    if room < 0.0 && used > 0.0 {
        pairs.for_each(|(one, moved)| moved.take_from(&mut one.bins[index], -room / used));
        return;
    }
    let waiting: f64 = pairs.map(|(_, moved)| moved.usr + moved.sys).sum();
    if waiting <= 0.0 || room <= 0.0 {
        return;
    }
    let fraction = (room / waiting).min(1.0);
    for (one, moved) in series.iter_mut().zip(moved) {
        moved.add_to(&mut one.bins[index], fraction);
        moved.usr *= 1.0 - fraction;
        moved.sys *= 1.0 - fraction;
    }
}

/// Returns for how long one of the series was sampled in a bin.
fn sampled_us(series: &[&mut TimeSeries], index: usize) -> f64 {
    let sampled = series.iter().map(|one| one.bins[index].sampled_us);
    sampled.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu_share::{interval, Coverage};

    fn series(used: &[u64]) -> TimeSeries {
        let mut series = TimeSeries::new(0, used.len() as u64 * 1000, None, used.len());
        let mut coverage = Coverage::default();
        for (number, used) in (0..).zip(used) {
            let one = interval(number * 1000, (number + 1) * 1000, *used, false);
            series.add(&one, &mut coverage);
        }
        series
    }

    fn fitted(cpus: u32, used: &[&[u64]]) -> Vec<Vec<u64>> {
        let mut all: Vec<TimeSeries> = used.iter().map(|one| series(one)).collect();
        fit(&mut all.iter_mut().collect::<Vec<_>>(), cpus);
        let rounded = |bin: &Bin| bin.sums.cpu().round() as u64;
        all.iter()
            .map(|one| one.bins.iter().map(rounded).collect())
            .collect()
    }

    #[test]
    fn what_is_too_much_is_moved_back() {
        let two = fitted(2, &[&[500, 400, 1600], &[0, 400, 1100]]);
        assert_eq!(two, [[500, 815, 1185], [0, 685, 815]]);
    }

    #[test]
    fn what_has_no_room_before_is_moved_on() {
        assert_eq!(fitted(1, &[&[1500, 700, 100]]), [[1000, 1000, 300]]);
        assert_eq!(fitted(1, &[&[1500]]), [[1500]]);
    }
}
