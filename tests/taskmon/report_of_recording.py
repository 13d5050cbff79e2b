#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon report of random recordings, by process, command, parent, cgroup, root and tree, compared with the sums that
# SQLite computes from `taskmon export -f csv`, and with what the tasks are known to have used. PIDs occur several times,
# processes have threads. diff of two of them.
#
# kernels: host
# needs: taskmon

import collections
import json
import os
import random
import sqlite3
import tempfile

from lib.known_recordings import SECOND, Recording, us
from lib.raw_recordings import read, used
from lib.results import equal, note, ok, run
from lib.taskmon import rows_of_csv, taskmon

SEED = int(os.environ.get("TASKMONITOR_SEED", "1717"))
DIR = tempfile.TemporaryDirectory()
FILE, OTHER = f"{DIR.name}/recording", f"{DIR.name}/other"
PROCESSES = 200
NAMES = ["cc1", "as", "ld", "sh", 'odd "name", x', "make", "python3", "kworker/0:1"]
CGROUPS = {11: "/system.slice/nginx.service", 12: "/user.slice", 13: "/system.slice/a b.service"}
STATUSES = (0, 0, 0, 256, 9, 139)
FIELDS = ("usr_us", "sys_us", "wait_us")
ENDINGS = {0: "exit 0", 256: "exit 1", 9: "signal 9", 139: "signal 11 core"}


class Model:
    """A recording of many processes, with who is whose parent and which processes are threads of which."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.recording = Recording(end=1030.0, cpus=4, period=0.05)
        self.recording.notes = ["# tree 50", *(f"# cgroup {id} {path}" for id, path in CGROUPS.items())]
        self.parents = {}
        self.threads = {}
        root = self._add(50, "make", None, root=50)
        self._add(40, "sshd", None)
        processes = [root]
        births = sorted(round(self.random.uniform(1000.001, 1029), 6) for _ in range(PROCESSES))
        for birth in births:
            parent = self.random.choice([each for each in processes if each.ended is None or birth < each.ended])
            taken = {each.pid for each in self.recording.tasks if each.ended is None or each.ended >= birth - 0.001}
            pid = self.random.choice([number for number in range(60, 160) if number not in taken])
            processes.append(self._add(pid, self.random.choice(NAMES), parent, birth, root=50))
        # A thread that is watched alone: its process is not.
        self.recording.task("alone", pid=4000, tgid=3999).uses(1000, 1030, 0.01)

    def _add(self, pid, name, parent, birth=None, root=None):
        chosen, recording = self.random, self.recording
        # Some began before the recording: what they used until then does not count.
        task = recording.task(name, pid=pid, started=birth or 900, parent=parent.pid if parent else 1, root=root,
                              threads=None, cgroup=chosen.choice([*CGROUPS, 99, None]))
        self.parents[task.id] = parent
        if birth is None:
            task.uses(900, 1000, chosen.random(), chosen.random(), chosen.random())
        elif chosen.random() < 0.8:
            task.ended = round(min(birth + chosen.choice((0.0009, 0.03, 1, 5)), 1029.99), 6)
            task.status = chosen.choice(STATUSES)
        self._use(task)
        if chosen.random() < 0.1:
            for number in range(2):
                thread = recording.task(f"{name[:4]}:{number}", pid=5000 + 2 * len(recording.tasks) + number,
                                        started=task.started, ended=task.ended, parent=task.parent, root=root, tgid=pid)
                self.threads[thread.id] = task
                self._use(thread)
        if chosen.random() < 0.2 and birth is not None:
            task.renamed.append((birth + 0.0005, chosen.choice(NAMES)))
        return task

    def _use(self, task):
        end = task.ended or self.recording.end
        at = max(task.started, self.recording.begin)
        while at < end:
            until = min(end, at + self.random.uniform(0.000001, 3))
            share = self.random.choice((0, 0.01, 0.3, 0.9))
            task.uses(at, until, share * 0.7, share * 0.3, self.random.choice((0, 0.2, 3)))
            at = until

    def name(self, task):
        return task.name_at(us(task.ended or self.recording.end))

    def descendants(self, task):
        """The task and all that descend from it."""
        found = [task]
        for each in found:
            found += [child for child in self.processes() if self.parents[child.id] is each]
        return found

    def processes(self):
        return [task for task in self.recording.tasks if task.id in self.parents]

    def depth(self, task):
        parent = self.parents[task.id]
        return 0 if parent is None else self.depth(parent) + 1

    def groups(self, by):
        """{key: tasks}, and what each group is called."""
        groups, names = collections.defaultdict(list), {}
        for task in self.recording.tasks:
            if task.id in self.threads:
                continue
            key = name = None
            if by == "process":
                key, name = task.id, self.name(task)
            elif by == "command":
                key = name = self.name(task)
            elif by == "parent":
                parent = self.parents.get(task.id)
                key = parent.id if parent else f"PID {task.parent}"
                name = f"{self.name(parent)} ({parent.pid})" if parent else key
                if task.tgid is not None:
                    key = name = "parent unknown"
            elif by == "cgroup":
                key = task.cgroup
                name = CGROUPS.get(key, "cgroup unknown" if key is None else f"cgroup {key}")
            elif by == "root":
                key = task.root
                name = "watched alone" if key is None else f"{self.name(self.recording.tasks[0])} (50)"
            groups[key].append(task)
            names[key] = name
        return groups, names


def database(path):
    """The sums of each task, by SQLite, from the exported samples: a table `used` with id, usr, sys and wait."""
    tasks, begin = read(path)
    store = sqlite3.connect(":memory:")
    store.execute("CREATE TABLE samples (id INT, num INT, usr INT, sys INT, wait INT, time INT)")
    store.execute("CREATE TABLE born (id INT)")
    rows = rows_of_csv(taskmon("export", "-f", "csv", path).stdout)
    store.executemany("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?)",
                      [[int(row[field]) for field in ("id", "num", *FIELDS, "time_us")] for row in rows])
    store.executemany("INSERT INTO born VALUES (?)",
                      [(id,) for id, task in tasks.items() if task.fields["started"] >= begin])
    store.execute("""CREATE TABLE used AS SELECT id, max(usr) - base * min(usr) AS usr, max(sys) - base * min(sys) AS sys,
                     max(wait) - base * min(wait) AS wait
                     FROM (SELECT *, id NOT IN (SELECT id FROM born) AS base FROM samples) GROUP BY id""")
    return store


def report(*words, path=FILE, form="--json"):
    done = taskmon("report", form, *words, path)
    if done.returncode or done.stderr:
        raise OSError(done)
    return rows_of_csv(done.stdout) if form == "--csv" else json.loads(done.stdout)


def sums(rows):
    """(name, processes, user, system, waiting), sorted."""
    return sorted((row["name"], int(row["processes"]), *(int(row[field]) for field in FIELDS)) for row in rows)


def by_group(model, store):
    of_task = {id: amounts for id, *amounts in store.execute("SELECT id, usr, sys, wait FROM used")}
    begin, end = model.recording.begin, model.recording.end
    equal(of_task, {task.id: list(task.used(max(begin, task.started), task.ended or end))
                    for task in model.recording.tasks}, "SQLite has the sums that are known")
    for by in ("process", "command", "parent", "cgroup", "root"):
        groups, names = model.groups(by)
        expected = sorted((names[key], len(tasks), *(sum(of_task[task.id][at] for task in tasks) for at in range(3)))
                          for key, tasks in groups.items())
        for form in ("--json", "--csv"):
            found = report("--by", by, "-n", 0, form=form)
            rows = found["rows"] if form == "--json" else found
            equal(sums(rows), expected, f"by {by}, {form}: each group has what its tasks used")
            used_us = [int(row["usr_us"]) + int(row["sys_us"]) for row in rows]
            equal(used_us, sorted(used_us, reverse=True), f"by {by}, {form}: who used the most is first")
        whole = report("--by", by, "-n", 3)
        equal([whole[field] for field in FIELDS],
              [sum(amounts[at] for _, *amounts in ((name, *rest) for name, _, *rest in expected)) for at in range(3)],
              f"by {by}: the total is that of all, not of the rows that are shown")
        equal((len(whole["rows"]), whole["left_out"]), (min(3, len(expected)), max(0, len(expected) - 3)),
              f"by {by}: -n 3 shows three rows and counts the others")


def identities(model):
    """Who each row is about."""
    rows = {row["id"]: row for row in report("-n", 0)["rows"]}
    expected = {}
    for task in model.recording.tasks:
        if task.id not in model.threads:
            begin, end = max(task.started, model.recording.begin), task.ended or model.recording.end
            expected[task.id] = (task.pid, task.parent, model.name(task), us(begin), us(end),
                                 None if task.ended is None else ENDINGS[task.status])
    got = {id: (row["pid"], row["parent"], row["name"], row["first_us"], row["last_us"], row["status"])
           for id, row in rows.items()}
    equal(got, expected, "each row has PID, parent, name, first and last time, and status of its process")


def tree(model, store):
    of_task = {id: amounts for id, *amounts in store.execute("SELECT id, usr, sys, wait FROM used")}
    rows = report("--by", "tree", "-n", 0)["rows"]
    tasks = model.processes()
    expected = {task.id: (model.depth(task),
                          *(sum(of_task[each.id][at] for each in model.descendants(task)) for at in range(3)),
                          *of_task[task.id][:2]) for task in tasks}
    got = {row["id"]: (row["depth"], *(row[field] for field in FIELDS), row["own_usr_us"], row["own_sys_us"])
           for row in rows if row["name"] != "alone"}
    equal(got, expected, "tree: each process has the sum of its own and of its descendants, and its depth")
    ids = [row["id"] for row in rows if row["name"] != "alone"]
    above, path = {}, []
    for row in rows:
        del path[row["depth"]:]
        above[row["id"]] = path[-1] if path else None
        path.append(row["id"])
    equal({id: above[id] for id in ids}, {task.id: model.parents[task.id].id if model.parents[task.id] else None
                                          for task in tasks}, "tree: each process is below its parent")
    used_us = [row["usr_us"] + row["sys_us"] for row in rows]
    siblings = collections.defaultdict(list)
    for row, amount in zip(rows, used_us):
        siblings[above[row["id"]]].append(amount)
    ok(all(amounts == sorted(amounts, reverse=True) for amounts in siblings.values()),
       "tree: of siblings, who used the most is first")


def threads(model, store):
    of_task = {id: tuple(amounts) for id, *amounts in store.execute("SELECT id, usr, sys, wait FROM used")}
    found = report("--threads", "-n", 0)
    equal({row["id"]: tuple(row[field] for field in FIELDS) for row in found["rows"]}, of_task,
          "--threads: each thread and each process has its own sum")
    equal([found[field] for field in FIELDS], [report()[field] for field in FIELDS],
          "--threads: the total is the same, so no thread counts twice")
    at = {row["id"]: number for number, row in enumerate(found["rows"])}
    below = [found["rows"][at[thread]]["depth"] == 1 and at[process.id] < at[thread]
             and all(row["depth"] == 1 for row in found["rows"][at[process.id] + 1:at[thread]])
             for thread, process in model.threads.items()]
    ok(below and all(below), "--threads: threads are below their process", below)


def windows(model, seed):
    """Windows at any time: an interval that is cut counts in part."""
    chosen = random.Random(seed)
    tasks, begin = read(FILE)
    for _ in range(6):
        from_us, to_us = sorted(chosen.randrange(us(1000), us(1030)) for _ in range(2))
        found = report("-n", 0, "--since", f"boot+{from_us}us", "--until", f"boot+{to_us}us")
        wrong = []
        for row in found["rows"]:
            expected = used(tasks[row["id"]], begin, from_us, to_us)
            if any(abs(row[field] - each) > 2 for field, each in zip(FIELDS, expected)):
                wrong.append((row["id"], expected, row))
        equal(wrong, [], f"a window of {(to_us - from_us) / SECOND:.3f} s: what each process used in it")
        seen = {id for id, task in tasks.items() if "tgid" not in task.fields or task.name == "alone"
                if any(ends > from_us and begins < to_us for begins, ends, *_ in task.intervals(begin))}
        equal({row["id"] for row in found["rows"]}, seen, "and those have a row that were seen in it")


def options():
    """--sort, --reverse, --min and --filter."""
    keys = {"user": lambda row: -row["usr_us"], "system": lambda row: -row["sys_us"],
            "wait": lambda row: -row["wait_us"], "peak": lambda row: -row["peak_share"],
            "first": lambda row: row["first_us"], "last": lambda row: row["last_us"], "pid": lambda row: row["pid"],
            "name": lambda row: row["name"].encode()}
    for order, key in keys.items():
        rows = report("-n", 0, "--sort", order)["rows"]
        values = list(map(key, rows))
        equal(values, sorted(values), f"--sort {order}")
        values = list(map(key, report("-n", 0, "--sort", order, "--reverse")["rows"]))
        equal(values, sorted(values, reverse=True), f"--sort {order} --reverse")
    rows = report("-n", 0)["rows"]
    for least, least_us in (("1%", us(0.3)), ("0.5s", us(0.5))):
        got = {row["id"] for row in report("-n", 0, "--min", least)["rows"]}
        equal(got, {row["id"] for row in rows if row["usr_us"] + row["sys_us"] >= least_us}, f"--min {least}")
    got = report("-n", 0, "--filter", "cc1,sh*")
    expected = {row["id"] for row in rows if row["name"] == "cc1" or row["name"].startswith("sh")}
    equal({row["id"] for row in got["rows"]}, expected, "--filter: tasks of these names")
    equal([got[field] for field in FIELDS], [sum(row[field] for row in got["rows"]) for field in FIELDS],
          "--filter: the total is that of those tasks")


def compare():
    """diff: what the processes of each name used in two recordings."""
    sides = []
    for number, path in enumerate((FILE, OTHER)):
        model = Model(f"{SEED} diff {number}")
        model.recording.write(path)
        sides.append({row["name"]: row for row in report("--by", "command", "-n", 0, path=path)["rows"]})
    before, after = sides
    rows = rows_of_csv(taskmon("diff", "--csv", "-n", 0, FILE, OTHER).stdout)

    def cpu(side, name):
        return side[name]["usr_us"] + side[name]["sys_us"] if name in side else 0

    equal({row["name"]: (int(row["before_us"]), int(row["after_us"]), int(row["change_us"])) for row in rows},
          {name: (cpu(before, name), cpu(after, name), cpu(after, name) - cpu(before, name))
           for name in {*before, *after}}, "diff: each command, before and after, and the change")
    changes = [abs(int(row["change_us"])) for row in rows]
    equal(changes, sorted(changes, reverse=True), "diff: what changed most is first")
    equal({row["name"]: (int(row["before_processes"]), int(row["after_processes"])) for row in rows},
          {name: tuple(side[name]["processes"] if name in side else 0 for side in sides)
           for name in {*before, *after}}, "diff: how many processes")
    whole = json.loads(taskmon("diff", "--json", FILE, FILE).stdout)
    ok(all(row["change_us"] == 0 for row in whole["rows"]), "diff of a recording with itself: nothing has changed")


def main():
    for number in range(2):
        model = Model(f"{SEED} {number}")
        model.recording.write(FILE)
        pids = collections.Counter(task.pid for task in model.recording.tasks)
        note(f"{len(model.recording.tasks)} tasks, {sum(count > 1 for count in pids.values())} PIDs several times, "
             f"{len(model.threads)} threads")
        ok(max(pids.values()) > 1 and model.threads, "PIDs occur several times, and there are threads")
        store = database(FILE)
        by_group(model, store)
        identities(model)
        tree(model, store)
        threads(model, store)
        windows(model, f"{SEED} {number} windows")
        options()


run(main, compare)
