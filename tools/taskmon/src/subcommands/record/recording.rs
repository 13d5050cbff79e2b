// SPDX-License-Identifier: GPL-2.0

//! A recording that has started: goes on until what was named has ended, and returns the exit
//! status.

use super::{
    about,
    attach::Attachment,
    ending,
    ours::{Membership, Root},
    session::{raise_priority, Session},
    signals::{Event, Signals},
    surroundings::Surroundings,
    Recorder, FAILED,
};
use crate::{
    cli::Record,
    history::Metadata,
    kernel_module::refusal,
    output::{error_text, print_error, print_message, write_failure, Output, ReservedFile},
    wall_clock::Clock,
};
use anyhow::Result;
use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    io,
    os::unix::process::ExitStatusExt,
    process::{Child, ExitStatus},
    time::{Duration, Instant},
};

/// How often a cgroup is searched for processes that have moved in.
const CGROUP_INTERVAL: Duration = Duration::from_millis(250);
/// The longest wait for an event.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What has been started.
pub struct Origin {
    /// When that was, on several clocks.
    pub clock: Clock,
    pub started: Instant,
    /// The command, until it has been waited for.
    pub child: Option<Child>,
    /// The tasks that were named.
    pub roots: Vec<Root>,
}

/// A recording that has started.
pub struct Recording<'a> {
    pub arguments: &'a Record,
    pub session: Session,
    pub summary_output: Option<Output>,
    pub origin: Origin,
    /// The command's exit status, once it has ended.
    pub status: Option<ExitStatus>,
    /// How long the command ran.
    pub wall: Option<Duration>,
    /// The PIDs of the processes that this recorder has made the module follow, and whether they
    /// were watched before.
    pub trees: BTreeMap<u32, Membership>,
    /// The file that is written, for reading.
    pub reader: Option<File>,
    attachment: Option<Attachment>,
    signals: Signals,
    surroundings: Surroundings,
    /// The ids of the tasks that were named, without those that are over.
    roots: Vec<u64>,
    is_failure_told: bool,
}

impl<'a> Recording<'a> {
    /// Writes the first lines, and decides which tasks are recorded.
    pub fn begin(recorder: Recorder<'a>, origin: Origin) -> Self {
        let output = recorder.output;
        let mut recording = Self {
            arguments: recorder.arguments,
            session: recorder.session,
            summary_output: recorder.summary_output,
            status: None,
            wall: None,
            trees: BTreeMap::new(),
            reader: None,
            attachment: recorder.attachment,
            signals: recorder.signals,
            surroundings: Surroundings::new(origin.clock),
            roots: Vec::new(),
            is_failure_told: false,
            origin,
        };
        recording.begin_output(output);
        let roots = std::mem::take(&mut recording.origin.roots);
        if let Err(error) = recording.add_roots(&roots) {
            print_error(&error);
        }
        if recording.roots.len() < roots.len() {
            let text = "what was named was not watched any more at the beginning";
            recording.session.stream.note_missing(text);
        }
        recording
    }

    fn begin_output(&mut self, output: ReservedFile) {
        let Some(output) = output.begin() else {
            return;
        };
        let Session {
            stream,
            period_ms,
            cpus,
            ..
        } = &mut self.session;
        self.reader = output.reader().ok();
        let tree = self.origin.roots.first().filter(|root| root.has_tree);
        let metadata = Metadata {
            cpus: (*cpus).try_into().ok(),
            period_ms: Some(*period_ms),
            clock: Some(self.origin.clock),
            tree: tree.map(|root| root.pid),
            ..about::metadata(self.arguments)
        };
        stream.begin(output, &metadata);
    }

    fn add_roots(&mut self, roots: &[Root]) -> Result<()> {
        let followed = roots.iter().filter(|root| root.is_followed_by_us);
        self.trees
            .extend(followed.map(|root| (root.pid, root.membership)));
        self.roots.extend(self.session.stream.add_roots(roots)?);
        Ok(())
    }

    /// Records until the end, and returns the exit status.
    pub fn run(mut self) -> u8 {
        match &self.origin.child {
            Some(child) => self.signals.forward_to(child.id()),
            None => self.signals.stop_recording(),
        }
        // Not before: the command inherits it.
        raise_priority();
        let recorded = self.record_until_end();
        let finished = ending::finish(&mut self);
        for error in [&recorded, &finished]
            .into_iter()
            .filter_map(|result| result.as_ref().err())
        {
            print_error(error);
        }
        while self.origin.child.is_some() {
            if self.signals.wait(LONGEST_WAIT) == Some(Event::CommandEnded) {
                self.reap();
            }
        }
        match self.status {
            Some(status) => shell_status(status),
            None if recorded.is_ok() && finished.is_ok() => 0,
            None => FAILED,
        }
    }

    /// Records until the command or the selected tasks have ended, or until the recording is to
    /// stop.
    fn record_until_end(&mut self) -> Result<()> {
        loop {
            let mut pause = self.session.pause;
            if self
                .attachment
                .as_ref()
                .is_some_and(Attachment::has_cgroups)
            {
                pause = pause.min(CGROUP_INTERVAL);
            }
            let left = self.time_left();
            match self.signals.wait(pause.min(left)) {
                Some(Event::CommandEnded) => self.reap(),
                Some(Event::Stop) => return Ok(()),
                None => {}
            }
            if self.time_left().is_zero() || self.drain()? {
                return Ok(());
            }
        }
    }

    /// Returns how long the recording may still last.
    fn time_left(&self) -> Duration {
        let length = self.arguments.duration.unwrap_or(Duration::MAX);
        length.saturating_sub(self.origin.started.elapsed())
    }

    /// Waits for the command, which has ended.
    fn reap(&mut self) {
        self.wall = Some(self.origin.started.elapsed());
        if let Some(mut child) = self.origin.child.take() {
            self.status = child.wait().ok();
        }
    }

    /// Records what has been sampled since the last call. Returns whether the recording ends.
    fn drain(&mut self) -> Result<bool> {
        let drained = self.session.drain()?;
        self.note_surroundings();
        self.add_new()?;
        if self.has_failed()? {
            return Ok(true);
        }
        let is_rest_awaited = self.arguments.wait_all && drained.alive > 0;
        let are_named_over = match &self.attachment {
            None => self.origin.child.is_none(),
            Some(_) => self.named_are_over(),
        };
        // More processes can come into a cgroup that has some.
        let can_grow = self.attachment.as_ref().is_some_and(Attachment::can_grow);
        Ok(are_named_over && !is_rest_awaited && !can_grow)
    }

    /// Writes what has changed around the recorded tasks.
    pub fn note_surroundings(&mut self) {
        let stream = &mut self.session.stream;
        if let Some(clock) = self.surroundings.new_clock() {
            stream.note_clock(clock);
        }
        for (id, path) in self.surroundings.new_cgroups(stream.recorded()) {
            stream.note_cgroup(id, &path);
        }
    }

    /// Returns whether all tasks that were named have ended and have been recorded, or are not
    /// watched any more.
    pub fn named_are_over(&mut self) -> bool {
        let stream = &self.session.stream;
        self.roots.retain(|id| !stream.is_over(*id));
        self.roots.is_empty()
    }

    /// Records the processes that have moved into a cgroup.
    fn add_new(&mut self) -> Result<()> {
        let Some(attachment) = self.attachment.as_ref().filter(|one| one.has_cgroups()) else {
            return Ok(());
        };
        let stream = &self.session.stream;
        let alive = stream.recorded().filter(|task| task.ended_us.is_none());
        let recorded: HashSet<u32> = alive.map(|task| task.pid).collect();
        let watched = stream.list().tasks();
        let (roots, failure) = attachment.add_new(&self.session.control, watched, &recorded);
        if let Some(error) = failure {
            let text = refusal("", "a process of the cgroup", error);
            self.session.stream.note_missing(&text);
        }
        if !roots.is_empty() {
            self.add_roots(&roots)?;
        }
        Ok(())
    }

    /// Tells the user once if the recording cannot be written any more. Returns whether the
    /// recording ends because of that. A command goes on.
    fn has_failed(&mut self) -> Result<bool> {
        let Some(error) = self.session.stream.failure() else {
            return Ok(false);
        };
        // The reader of a pipe may close it early.
        if error.kind() != io::ErrorKind::BrokenPipe && !self.is_failure_told {
            self.is_failure_told = true;
            let error = write_failure(&self.arguments.output, error);
            if self.attachment.is_some() {
                return Err(error);
            }
            print_message(format_args!(
                "{}; the recording ends here, the command goes on",
                error_text(&error)
            ));
        }
        Ok(self.attachment.is_some())
    }
}

/// Returns an exit status as a shell does: 128 plus the number of the signal that ended the
/// process.
fn shell_status(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| code.try_into().ok()).unwrap_or(FAILED)
}
