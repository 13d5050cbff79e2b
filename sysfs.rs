// SPDX-License-Identifier: GPL-2.0

//! /sys/kernel/taskmonitor: the newest samples, as many as fit one page.

use crate::{
    abstractions::{rights, slab::Ref, sysfs::Show},
    line::{Lines, ROOM},
    reader::{Reader, Row},
    recorder::Recorder,
    target::Target,
};
use kernel::{current, page::PAGE_SIZE, prelude::*, sync::Arc};

/// How much sysfs takes of a page.
const TEXT_MAX: usize = PAGE_SIZE - 1;
/// The shortest line there can be, which bounds how many a page takes.
const LINE_MIN: usize = "pid:1 num:0 : usr 0 sys 0 time 0\n".len();
/// How many lines a page takes at most.
const ROWS_MAX: usize = TEXT_MAX / LINE_MIN;

/// A sample that may be shown.
#[derive(Clone, Copy)]
struct Candidate {
    pid: i32,
    row: Row,
    /// The newest of its target, which comes before older ones of others.
    is_newest: bool,
}

impl Candidate {
    /// Which of two is rather shown: the newest of each target, the first of them first; then those
    /// taken last.
    fn rank(&self) -> (bool, u64) {
        (self.is_newest, self.row.time_us)
    }

    fn line(&self) -> Lines<ROOM> {
        let mut line = Lines::new();
        line.push(self.pid, &self.row);
        line
    }

    fn len(&self) -> usize {
        self.line().text().len()
    }
}

/// The samples of all targets that may be shown, in the order in which they would be.
struct Page {
    rows: KVec<Candidate>,
    /// The bytes of their lines.
    len: usize,
}

impl Page {
    /// Adds a sample; drops others, older ones first, so that all lines fit. False: not even the
    /// newest of each target fit, and this one was left out.
    fn add(&mut self, candidate: Candidate) -> Result<bool> {
        let len = candidate.len();
        while self.len + len > TEXT_MAX {
            let least = self
                .rows
                .iter()
                .enumerate()
                .min_by_key(|(_, row)| row.rank());
            match least {
                Some((index, least)) if least.rank() < candidate.rank() && !least.is_newest => {
                    self.len -= least.len();
                    self.rows.remove(index).map_err(|_| EINVAL)?;
                }
                _ => return Ok(false),
            }
        }
        self.len += len;
        self.rows.push(candidate, GFP_KERNEL)?;
        Ok(true)
    }
}

impl Recorder {
    /// Adds the last samples of `target`. False: the page is full of other targets' newest.
    fn add_newest(
        &self,
        page: &mut Page,
        reader: &mut Reader,
        target: Ref<Target>,
    ) -> Result<bool> {
        let namespace = current!();
        let namespace = namespace.active_pid_ns();
        let Some(pid) = namespace.and_then(|namespace| target.numbers.in_namespace(namespace))
        else {
            return Ok(true);
        };
        let from = target.state(&self.store.lock()).history.next;
        reader.enter(
            self,
            target,
            from.saturating_sub(ROWS_MAX as u64),
            u64::MAX - 1,
        );
        let mut next = reader.next(self);
        while let Some(row) = next {
            next = reader.next(self);
            let is_newest = next.is_none();
            let added = page.add(Candidate {
                pid,
                row,
                is_newest,
            })?;
            if is_newest {
                return Ok(added);
            }
        }
        Ok(true)
    }

    fn newest(&self) -> Result<Page> {
        let mut page = Page {
            rows: KVec::with_capacity(ROWS_MAX, GFP_KERNEL)?,
            len: 0,
        };
        let mut reader = KBox::init(Reader::new(), GFP_KERNEL)?;
        let mut at = self.registry.lock().first().map(Ref::from);
        while let Some(target) = at {
            if !self.add_newest(&mut page, &mut reader, target.clone())? {
                break;
            }
            let registry = self.registry.lock();
            at = registry.next(&target, &self.store.lock()).map(Ref::from);
        }
        Ok(page)
    }
}

impl Show for Recorder {
    fn show(&self, text: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        rights::require_admin()?;
        let page = self.newest()?;
        let mut len = 0;
        for row in &page.rows {
            let line = row.line();
            let line = line.text();
            let place = text.get_mut(len..len + line.len()).ok_or(ENOSPC)?;
            place.copy_from_slice(line);
            len += line.len();
        }
        Ok(len)
    }

    fn store(this: &Arc<Self>, bytes: &[u8]) -> Result<usize> {
        rights::require_admin()?;
        // kernfs_fop_write_iter() hands over no more than a page of a write.
        this.obey(bytes, bytes.len() == PAGE_SIZE)
    }
}
