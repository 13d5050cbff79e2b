# SPDX-License-Identifier: GPL-2.0
"""The results of a test, in KTAP.

A test file defines functions, reports each result by ok(), equal(), fails_with() or skip(), and
ends with `run(first, second, …)`. An exception that leaves such a function is a failed result, and
need() a skipped one.
"""

import errno
import os
import sys
import traceback


class _Count:
    results = 0
    failed = 0


def note(text):
    """Prints the text as comments of the KTAP output."""
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def ok(condition, name, explanation=""):
    """Reports one result. The explanation is printed if the condition is false."""
    _Count.results += 1
    if condition:
        print(f"ok {_Count.results} - {name}", flush=True)
    else:
        _Count.failed += 1
        print(f"not ok {_Count.results} - {name}", flush=True)
        note(explanation)
    return bool(condition)


def equal(got, expected, name):
    return ok(got == expected, name, f"     got: {got!r}\nexpected: {expected!r}")


def error_of(action):
    """The error number of the OSError that the action raises, or None if it raises none."""
    try:
        action()
    except OSError as error:
        return error.errno
    return None


def fails_with(number, action, name):
    """Reports whether the action raises OSError with this error number."""
    wanted = errno.errorcode[number]
    try:
        result = action()
    except OSError as error:
        got = errno.errorcode.get(error.errno, error.errno)
        return ok(error.errno == number, name, f"{got}, not {wanted}")
    return ok(False, name, f"no error but {result!r}, instead of {wanted}")


def skip(name, reason):
    _Count.results += 1
    print(f"ok {_Count.results} - {name} # SKIP {reason}", flush=True)


class Missing(Exception):
    """What the rest of a function of a test needs, and this kernel or machine lacks."""


def need(condition, missing):
    """Skips the rest of the function that is given to run(), unless the condition holds. `missing` says what
    is missing, for example "no CONFIG_FAILSLAB"."""
    if not condition:
        raise Missing(missing)


def skip_all(reason):
    """Ends the test, of which nothing can run here, with the status of a skipped selftest."""
    print(f"1..0 # SKIP {reason}", flush=True)
    sys.exit(4)


def run(*functions):
    """Runs the functions of the test, prints the plan and exits."""
    print("KTAP version 1", flush=True)
    for function in functions:
        try:
            function()
        except Missing as missing:
            skip(f"{os.path.basename(sys.argv[0])}: {function.__name__}", missing)
        except Exception:  # whatever it is, the other functions still run
            ok(False, f"{function.__name__} runs to its end", traceback.format_exc())
    print(f"1..{_Count.results}", flush=True)
    sys.exit(1 if _Count.failed else 0)
