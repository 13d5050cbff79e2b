#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# tree: of a web server that is running already: nginx, its workers of before, and those of a reload. Names,
# parents and exit statuses are those in nginx's log; the sum of the CPU times is what wait4() of the master
# says, which has waited for its workers.
#
# kernels: x86_64 debian
# needs: nginx
# boot: --cpus 2

import contextlib
import fcntl
import os
import re
import socket
import struct
import subprocess

from lib.module import loaded, statistics, write
from lib.proc import text_of, used_us
from lib.processes import wait_until
from lib.results import equal, note, ok, run
from lib.samples import problems, samples
from lib.tasks import tasks, wait_for_end

FOLDER = "/tmp/nginx"
LOG = f"{FOLDER}/log"
PORT = 8080
WORKERS = 3
REQUESTS = 300
CONFIGURATION = f"""
daemon off;
worker_processes {WORKERS};
user nobody nogroup;
pid {FOLDER}/pid;
error_log {LOG} notice;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {FOLDER}/body;
    proxy_temp_path {FOLDER}/proxy;
    fastcgi_temp_path {FOLDER}/fastcgi;
    uwsgi_temp_path {FOLDER}/uwsgi;
    scgi_temp_path {FOLDER}/scgi;
    gzip on;
    gzip_types application/octet-stream;
    server {{ listen 127.0.0.1:{PORT}; root {FOLDER}/files; }}
}}
"""
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def loopback_up():
    with socket.socket() as one:
        request = struct.pack("16sH14x", b"lo", 0)
        _, flags = struct.unpack("16sH14x", fcntl.ioctl(one, _SIOCGIFFLAGS, request))
        fcntl.ioctl(one, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def nginx(*options):
    return [os.environ["TASKMONITOR_NGINX"], "-e", LOG, "-p", FOLDER, "-c", f"{FOLDER}/configuration", *options]


def tell(signal):
    subprocess.run(nginx("-s", signal), check=True)


def workers():
    """The workers that nginx's log tells of, in the order in which they were started."""
    return [int(pid) for pid in re.findall(r"start worker process (\d+)", text_of(LOG))]


def exits():
    """The PIDs and exit codes of the workers that have ended, by nginx's log."""
    return {int(pid): int(code) for pid, code in
            re.findall(r"worker process (\d+) exited with code (\d+)", text_of(LOG))}


@contextlib.contextmanager
def server():
    os.makedirs(f"{FOLDER}/files")
    with open(f"{FOLDER}/configuration", "w", encoding="ascii") as file:
        file.write(CONFIGURATION)
    with open(f"{FOLDER}/files/data", "wb") as file:
        file.write(os.urandom(50_000) + b"x" * 150_000)
    loopback_up()
    with subprocess.Popen(nginx()) as master:
        try:
            yield master
        finally:
            if master.returncode is None:
                master.kill()


def request(count):
    """Downloads the file so many times, compressed by nginx."""
    lengths = set()
    for _ in range(count):
        with socket.create_connection(("127.0.0.1", PORT)) as one:
            one.sendall(b"GET /data HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n")
            lengths.add(len(b"".join(iter(lambda: one.recv(65536), b""))) > 50_000)
    equal(lengths, {True}, f"{count} requests are answered")


def shown(pids):
    return [(each.pid, each.parent, each.root, each.name) for each in tasks() if each.pid in pids]


def main():
    with loaded(period_ms=20), server() as master:
        ok(wait_until(lambda: os.path.exists(LOG) and len(workers()) == WORKERS), "nginx has started its workers")
        before = workers()
        request(5)
        write(f"tree:{master.pid}")
        equal([each.pid for each in tasks()], [master.pid, *sorted(before)], "tree: takes in master and workers")
        request(REQUESTS)
        tell("reload")
        ok(wait_until(lambda: len(workers()) == 2 * WORKERS and set(exits()) == set(before)),
           "after a reload there are other workers")
        ok(wait_for_end(*before), "those of before have ended")
        after = workers()[WORKERS:]
        request(REQUESTS)
        tell("quit")
        _, status, usage = os.wait4(master.pid, 0)
        master.returncode = os.waitstatus_to_exitcode(status)
        ok(wait_for_end(master.pid, *after), "all have ended")

        equal(shown([*before, *after]), [(pid, master.pid, master.pid, b"nginx") for pid in (*sorted(before), *after)],
              "each worker of both generations is there: its parent and its root is the master, its name is nginx")
        equal(len(tasks()), 1 + 2 * WORKERS, "nobody else is there, such as the programs that told the master")
        by_pid = {each.pid: each for each in tasks()}
        equal({pid: os.waitstatus_to_exitcode(by_pid[pid].status) for pid in exits()}, exits(),
              "their exit codes are those in nginx's log")
        equal(by_pid[master.pid].status, status, "that of the master is what wait4() says")
        for pid in (*before, *after):
            ok(by_pid[pid].started < by_pid[pid].ended < by_pid[master.pid].ended, "it began, and ended before the master")
        used = {pid: each.usr + each.sys for pid, each in by_pid.items()}
        note(f"CPU time in us: {used}")
        ok(abs(sum(used.values()) - used_us(usage)) <= 2 * len(used),
           "the sum of their CPU times is what wait4() of the master says, except for rounding",
           (sum(used.values()), used_us(usage)))
        equal(problems(samples()), [], "their samples are in order, without a gap")
        equal(statistics()["lost"], 0, "'lost' is 0")
        write(f"-tree:{master.pid}")


run(main)
