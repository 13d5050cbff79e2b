// SPDX-License-Identifier: GPL-2.0

//! Finds the time since boot that a [`Moment`] means in a history.

use super::{
    moment::{Day, Kind, Zone},
    Edge, Moment, WallClock,
};
use anyhow::{anyhow, bail, Result};
use jiff::{
    civil::{Date, DateTime, Time},
    tz::TimeZone,
    Timestamp, ToSpan,
};

impl WallClock {
    /// Returns the time since boot that `moment` means in a history from `from_us` to `to_us`. It is
    /// negative if it was before the boot.
    ///
    /// A length of time counts from the end of the history. A time of the day without a day is, for
    /// the beginning of a window, the latest one before the end of the history; for its end, the
    /// first one after `from_us`. A local time that occurs twice, because the clock or the offset from
    /// UTC was set back, is the first one for the beginning of a window, and the last one for its end.
    /// One that does not occur is the moment at which it was left out.
    ///
    /// Fails if nothing is known of the wall clock and `moment` is a time of it.
    pub fn find(&self, moment: &Moment, edge: Edge, from_us: i64, to_us: i64) -> Result<i64> {
        let unix_us = match &moment.kind {
            Kind::SinceBoot(us) => return Ok(i64::try_from(*us).unwrap_or(i64::MAX)),
            Kind::FromEnd(us) => return Ok(to_us.saturating_add(*us)),
            _ if !self.is_known() => bail!(
                "{}: the recording does not say what time it was; use times like `boot+90s` or `-10min`",
                moment.text()
            ),
            Kind::Unix(us) => *us,
            Kind::OnDay(day, time, zone) => {
                let date = self.date_of(*day)?;
                self.unix_us(date.to_datetime(*time), zone, edge)
                    .ok_or_else(|| anyhow!("{}: no such time", moment.text()))?
            }
            Kind::OfDay(time, zone) => return self.time_of_day(*time, zone, edge, from_us, to_us)
                .ok_or_else(|| anyhow!("{}: no such time", moment.text())),
        };
        Ok(self.boot_us(unix_us, edge))
    }

    fn date_of(&self, day: Day) -> Result<Date> {
        match day {
            Day::Date(date) => Ok(date),
            Day::FromToday(days) => {
                let today = self.zone.to_datetime(Timestamp::now()).date();
                Ok(today.checked_add(days.days())?)
            }
        }
    }

    /// Returns the time since boot of a time of the day: see [`WallClock::find`].
    fn time_of_day(
        &self,
        time: Time,
        zone: &Zone,
        edge: Edge,
        from_us: i64,
        to_us: i64,
    ) -> Option<i64> {
        let near = match edge {
            Edge::Since => to_us,
            Edge::Until => from_us,
        };
        let date = self
            .zone_of(zone)
            .to_datetime(self.timestamp(near.into())?)
            .date();
        let on = |days: i64| {
            let date = date.checked_add(days.days()).ok()?;
            let unix_us = self.unix_us(date.to_datetime(time), zone, edge)?;
            Some(self.boot_us(unix_us, edge))
        };
        let mut candidates = [-1, 0, 1].into_iter().filter_map(on);
        match edge {
            Edge::Since => candidates.rfind(|us| *us <= to_us),
            Edge::Until => candidates.find(|us| *us > from_us),
        }
    }

    fn zone_of<'a>(&'a self, zone: &'a Zone) -> &'a TimeZone {
        match zone {
            Zone::Known(zone) => zone,
            Zone::Local | Zone::Abbreviation(_) => &self.zone,
        }
    }

    /// Returns a local time in microseconds since the beginning of 1970, UTC; `None` if the zone has
    /// another name then.
    fn unix_us(&self, time: DateTime, zone: &Zone, edge: Edge) -> Option<i64> {
        let place = self.zone_of(zone);
        let both = place.to_ambiguous_timestamp(time);
        let (first, second) = (both.earlier().ok()?, both.later().ok()?);
        let is_called = |time: Timestamp| match zone {
            Zone::Abbreviation(name) => place.to_offset_info(time).abbreviation() == name,
            _ => true,
        };
        let mut in_order = match edge {
            Edge::Since => [first, second],
            Edge::Until => [second, first],
        };
        if place.to_datetime(first) != time && place.to_datetime(second) != time {
            // The local time was left out: the same time by the offsets before and after. The later
            // one is behind the change.
            in_order = [first.max(second); 2];
        }
        let found = in_order.into_iter().find(|time| is_called(*time))?;
        Some(found.as_microsecond())
    }

    /// Returns the time since boot at which the wall clock showed a time.
    fn boot_us(&self, unix_us: i64, edge: Edge) -> i64 {
        let unix_us = i128::from(unix_us);
        let shown = |index: usize| {
            let clock = self.clocks[index];
            let begins = i128::from(clock.unix_us);
            let ends = self.clocks.get(index + 1).map_or(i128::MAX, |next| {
                i128::from(next.boot_us) + clock.offset_us()
            });
            (begins..ends)
                .contains(&unix_us)
                .then(|| unix_us - clock.offset_us())
        };
        let mut indexes = 0..self.clocks.len();
        let found = match edge {
            Edge::Since => indexes.find_map(shown),
            Edge::Until => indexes.rev().find_map(shown),
        };
        let elsewhere = || match self.clocks.first() {
            // Before the first one, the clock was set as it says.
            Some(first) if unix_us < i128::from(first.unix_us) => unix_us - first.offset_us(),
            // The clock was set over this time.
            _ => {
                let mut later = self.clocks.iter().skip(1);
                let after = later.find(|clock| i128::from(clock.unix_us) >= unix_us);
                after.map_or(0, |clock| i128::from(clock.boot_us))
            }
        };
        // CAST: `clamp` bounds it.
        found
            .unwrap_or_else(elsewhere)
            .clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
}
