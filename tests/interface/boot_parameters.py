#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The module under kernel parameters that change how the kernel is preempted and what it trusts: it works in each
# mode of preemption; a locked-down kernel refuses it without a signature and loads it with one; without lockdown a
# signature is not required.
#
# kernels: host

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from lib.kernel_state import kernel_log
from lib.module import SYSFS, load, read, unload, write
from lib.proc import text_of, used_us
from lib.processes import burn, child, wait_until
from lib.results import equal, ok, run
from lib.samples import exit_samples, parse

SCRIPTS = os.path.realpath(f"{os.path.dirname(__file__)}/../../scripts")
KERNEL = "x86_64"
# Those of kernels whose architecture has lazy preemption.
MODES = {"full", "lazy"}
PREEMPT = "/sys/kernel/debug/sched/preempt"
ROUNDING_US = 2


# --- In the machine ------------------------------------------------------------

def modes():
    """The modes of preemption, with the current one in parentheses; none if the kernel is locked down."""
    try:
        return text_of(PREEMPT).split()
    except PermissionError:
        return []


def use(path):
    """Loads that module and follows a child to its end. Prints what was seen."""
    seen = {"preempt": modes()}
    try:
        load(path, period_ms=10)
    except OSError as error:
        seen["error"] = error.errno
    else:
        write(f"tree:{os.getpid()}")
        pid = child(burn, 0.05)
        used = used_us(os.wait4(pid, 0)[2])
        seen["followed"] = wait_until(lambda: pid in exit_samples())
        last = exit_samples()[pid]
        seen["off_by_us"] = abs(last.usr + last.sys - used)
        seen["in_sysfs"] = pid in {each.pid for each in parse(read(SYSFS))}
        unload()
    seen["log"] = kernel_log()
    print(json.dumps(seen))


# --- On the host ---------------------------------------------------------------

def kernel_folder():
    return subprocess.check_output([f"{SCRIPTS}/kernel", KERNEL], text=True).strip()


def booted(parameter, module="$TASKMONITOR_KO", folder="/tmp"):
    """Uses the module on a kernel with that parameter. What was seen."""
    command = f"PYTHONPATH={sys.path[0]}/.. python3 {os.path.realpath(__file__)} {module}"
    done = subprocess.run([f"{SCRIPTS}/vm", "--kernel", KERNEL, "--append", parameter, "--share", folder, command],
                          stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def check_use(name, seen):
    ok("error" not in seen, f"{name}: the module loads", seen)
    ok(seen.get("followed"), f"{name}: a child is followed to its end", seen)
    ok(seen.get("off_by_us", 10**9) <= ROUNDING_US, f"{name}: its CPU time is that of wait4()", seen)
    ok(seen.get("in_sysfs"), f"{name}: both files show it", seen)
    complaints = [line for line in seen["log"] if "WARNING:" in line or "BUG:" in line]
    equal(complaints, [], f"{name}: the kernel log has no complaint")


def preemption(folder):
    for mode in sorted(MODES):
        seen = booted(f"preempt={mode}", folder=folder)
        ok(f"({mode})" in seen["preempt"], f"the kernel runs with preempt={mode}", seen["preempt"])
        equal({each.strip("()") for each in seen["preempt"]}, MODES, "the kernel has no other mode")
        check_use(f"preempt={mode}", seen)
        ok(any("module verification failed" in line for line in seen["log"]),
           "without lockdown, an unsigned module is loaded, with a message", seen["log"])


def signed(folder):
    """A copy of the module with a signature by the key of the kernel."""
    kernel = kernel_folder()
    module = subprocess.check_output([f"{SCRIPTS}/module", KERNEL], text=True).strip()
    path = shutil.copy(module, f"{folder}/signed.ko")
    hash_, = re.findall(r'^CONFIG_MODULE_SIG_HASH="(.*)"', text_of(f"{kernel}/.config"), re.M)
    subprocess.run([f"{kernel}/scripts/sign-file", hash_, f"{kernel}/certs/signing_key.pem",
                    f"{kernel}/certs/signing_key.x509", path], check=True)
    return path


def lockdown(folder):
    seen = booted("lockdown=integrity", folder=folder)
    equal(seen.get("error"), errno.EPERM, "lockdown=integrity: an unsigned module is refused")
    ok(any("Lockdown" in line and "unsigned module loading is restricted" in line for line in seen["log"]),
       "lockdown=integrity: the kernel log says why", seen["log"])
    path = signed(folder)
    for level in ("integrity", "confidentiality"):
        check_use(f"lockdown={level}, signed", booted(f"lockdown={level}", path, folder))


def on_host():
    with tempfile.TemporaryDirectory() as folder:
        preemption(folder)
        lockdown(folder)


if len(sys.argv) > 1:
    use(sys.argv[1])
else:
    run(on_host)
