// SPDX-License-Identifier: GPL-2.0

//! /sys/kernel/debug/taskmonitor_tasks: the identities of the targets, one line for each.

use crate::{
    abstractions::{
        capability,
        debugfs_file::FileOperations,
        seq_file::{Records, SeqWrite},
        slab::Ref,
    },
    recorder::Recorder,
    targets::Target,
    text::TaskLine,
};
use kernel::{current, prelude::*, seq_file::SeqFile, sync::Arc};

/// The open file.
///
/// A read from the beginning fixes which targets are shown: those that exist then. So reading ends,
/// even while more are added.
pub(crate) struct Tasks {
    recorder: Arc<Recorder>,
    /// The current record.
    target: Option<Ref<Target>>,
    /// The [order](Target::order) of the last target to show.
    last_order: u64,
}

impl Tasks {
    /// Makes `target` the current record. Returns false if it is not to be shown.
    fn enter(&mut self, target: Option<Ref<Target>>) -> bool {
        self.target = target.filter(|target| target.order() <= self.last_order);
        self.target.is_some()
    }

    /// Shows `target`, unless the process that reads cannot see it.
    fn show_target(&self, target: &Target, file: &SeqFile) -> Option<()> {
        let current = current!();
        let namespace = current.active_pid_ns()?;
        let pid = target.pids().in_namespace(namespace)?;
        let parent = target.identity().parent();
        let store = self.recorder.samples().lock();
        let state = target.state(&store);
        let last_seen = state.last_seen();
        let tree = state.tree.clone();
        let history = &state.history;
        let ended = history
            .last_time_us()
            .map(|time_us| (time_us, last_seen.wait_status));
        let (first, next, totals) = (history.oldest(), history.next(), history.last_sample());
        drop(store);
        let line = TaskLine {
            pid,
            id: target.order(),
            is_thread: !last_seen.is_process,
            parent: parent.and_then(|parent| parent.in_namespace(namespace)),
            root: tree.and_then(|tree| tree.root().in_namespace(namespace)),
            cgroup: (last_seen.cgroup != 0).then_some(last_seen.cgroup),
            started_us: target.identity().started_us(),
            ended,
            first,
            next,
            totals,
            name: &last_seen.name,
        };
        line.write_to(|text| file.write(text));
        Some(())
    }
}

impl FileOperations for Tasks {
    type Data = Recorder;
    type Shared = ();
    const WRITABLE: bool = false;

    fn open(recorder: &Arc<Recorder>) -> Result<(Self, ())> {
        capability::require_admin()?;
        let tasks = Self {
            recorder: recorder.clone(),
            target: None,
            last_order: 0,
        };
        Ok((tasks, ()))
    }
}

impl Records for Tasks {
    fn first(&mut self) -> bool {
        let targets = self.recorder.targets();
        self.last_order = targets.lock().last_order();
        let first = targets.first();
        self.enter(first)
    }

    fn next(&mut self) -> bool {
        let targets = self.recorder.targets();
        let next = self.target.as_ref().and_then(|target| targets.next(target));
        self.enter(next)
    }

    fn show(&mut self, file: &SeqFile) -> Result {
        let targets = self.recorder.targets();
        let target = self.target.as_ref();
        // A target that has been removed since has no reader, and may have no exit sample either.
        if let Some(target) = target.filter(|target| targets.lock().is_watched(target)) {
            self.show_target(target, file);
        }
        Ok(())
    }
}
