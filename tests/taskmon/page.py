#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon plot --html in a browser: the page shows what the model of the recording used, loads nothing, and takes no name
# for HTML. Zooming a million samples costs as much as zooming a few.
#
# kernels: host
# needs: taskmon chromium

import datetime
import os
import subprocess
import tempfile

from lib.browser import browser
from lib.known_recordings import Recording
from lib.results import equal, note, ok, run
from lib.taskmon import taskmon

HOSTILE = "</script><img src=x onerror=alert(1)>"
# The left edge of the picture, and what is right of it: LEFT and RIGHT in page.js.
LEFT, RIGHT = 52, 10
STEPS = 20


def chromium():
    """The path of the browser."""
    return subprocess.run([f"{os.path.dirname(__file__)}/../../scripts/chromium"], capture_output=True, text=True,
                          check=True).stdout.split()[-1]


def page(folder, path, *words):
    html = f"{folder}/page.html"
    done = taskmon("plot", path, "--html", html, *words, env={**os.environ, "TZ": "Europe/Berlin"})
    equal((done.returncode, done.stderr), (0, ""), "the page is written")
    return html


def known(folder):
    """An hour, of which `hog` uses a CPU from 03:10 to 03:11, local time. Nothing is sampled from 03:40 to 03:45."""
    unix = datetime.datetime.fromisoformat("2026-11-25T03:00:00+01:00").timestamp()
    recording = Recording(begin=100.0, end=3700.0, period=1.0, unix=unix, cpus=2)
    recording.task("init").uses(100, 3700, 0.05)
    recording.task("hog", started=700.0, ended=760.0, status=9).uses(700, 760, 0.6, 0.2, 0.1)
    recording.task(HOSTILE, pid=666).uses(100, 3700, 0.02)
    recording.stopped = [(2500.0, 2800.0)]
    return recording.write(f"{folder}/known")


def at(shown, us):
    """The place of a time in the picture."""
    box = shown.value("(box => [box.left, box.top, box.width])(document.querySelector('canvas').getBoundingClientRect())")
    begin, end = (float(shown.value(f"document.querySelector('canvas').dataset.{edge}")) for edge in ("from", "to"))
    width = box[2] - LEFT - RIGHT
    return box[0] + LEFT + (us - begin) / (end - begin) * width, box[1] + 100


def hover(shown, seconds):
    shown.mouse("mouseMoved", *at(shown, seconds * 1e6))
    return shown.value("document.getElementById('hover').innerText").splitlines()


def content(shown, folder):
    shown.resize(1300, 700)
    html = page(folder, known(folder))
    shown.open(html)
    rows = shown.value("[...document.querySelectorAll('tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))")
    equal(rows[0][:5], ["101", "init", "180.000", "0.000", "0.000"], "the first row used the most")
    equal(rows[2][:5] + rows[2][7:], ["102", "hog", "36.000", "12.000", "6.000", "03:10:00", "03:11:00", "signal 9"],
          "a row has what its process used, when, and how it ended")
    equal(rows[1][1], HOSTILE, "a name is text")
    equal(shown.value("document.querySelectorAll('img').length"), 0, "and never HTML")
    lines = hover(shown, 730)
    ok(lines[0].startswith("2026-11-25 CET 03:10:"), "the pointer shows the local time", lines)
    ok("hog: 80.0%" in lines and "init: 5.0%" in lines, "and the shares of that time", lines)
    ok("not sampled" in hover(shown, 2650), "where nothing was sampled it says so", hover(shown, 2650))
    equal(shown.value("document.title"), "make -j2", "the title is the command")
    side = shown.value("document.getElementById('side').getBoundingClientRect().left")
    ok(side > 600, "the table is beside the picture", side)
    equal(shown.requests, [f"file://{html}"], "nothing but the page itself is loaded")
    equal(shown.complaints, [], "the browser has nothing to complain of")


def zooming(shown):
    canvas = "document.querySelector('canvas').dataset"
    before = [float(shown.value(f"{canvas}.{edge}")) for edge in ("from", "to")]
    x, y = at(shown, 730e6)
    for _ in range(5):
        shown.mouse("mouseWheel", x, y, deltaX=0, deltaY=-100)
    after = [float(shown.value(f"{canvas}.{edge}")) for edge in ("from", "to")]
    ok(abs((after[1] - after[0]) / (before[1] - before[0]) - 0.8 ** 5) < 0.01, "the wheel zooms", (before, after))
    ok(after[0] < 730e6 < after[1] and abs(at(shown, 730e6)[0] - x) < 2, "what is under the pointer stays there", after)
    shown.mouse("mousePressed", x, y, button="left", clickCount=1)
    shown.mouse("mouseMoved", x + 50, y, button="left")
    shown.mouse("mouseReleased", x + 50, y, button="left", clickCount=1)
    ok(abs(at(shown, 730e6)[0] - x - 50) < 2, "dragging moves the picture")
    shown.value("document.getElementById('all').click()")
    equal([float(shown.value(f"{canvas}.{edge}")) for edge in ("from", "to")], before, "the button shows all again")
    shown.value("document.querySelector('tbody tr').click()")
    equal(shown.value("document.querySelectorAll('tr.picked').length"), 1, "a row that is clicked is picked")
    shown.value("(filter => { filter.value = 'ho'; filter.dispatchEvent(new Event('input')); })(document.getElementById('filter'))")
    equal(shown.value("[...document.querySelectorAll('tbody tr')].map(row => row.cells[1].textContent)"), ["hog"],
          "the filter selects rows")
    shown.resize(600, 900)
    side, picture = (shown.value(f"document.getElementById('{part}').getBoundingClientRect().top")
                     for part in ("side", "picture"))
    ok(side > picture + 300, "in a narrow window, the table is below the picture", (side, picture))


def large(folder, tasks, samples):
    """A recording of so many tasks, with so many samples each."""
    path = f"{folder}/large"
    with open(path, "w", encoding="utf-8") as file:
        file.write("# taskmon 3\n# cpus 64\n# period_ms 100\n# clock 0 1764000000000000\n# command large\n")
        for task in range(tasks):
            file.write(f"# task pid:{task + 1} : id {task + 1} threads 1 started 0 first 0 next 0 usr 0 sys 0 wait 0 "
                       f"name t{task % 7}\n# samples {task + 1}\n")
            file.writelines(f"pid:{task + 1} num:{number} : usr {number * 100 * task} sys 0 wait 0 time {number * 100000 + 1}\n"
                            for number in range(samples))
        file.write("# end complete\n")
    return path


def zoom_ms(shown):
    """How long zooming in takes."""
    return shown.value(f"(() => {{ const begin = performance.now(); for (let step = 0; step < {STEPS}; step++) "
                       "document.querySelector('canvas').dispatchEvent(new WheelEvent('wheel', {deltaY: -1, clientX: 300})); "
                       "return performance.now() - begin; })()")


def a_million(shown, folder):
    times = []
    for tasks, samples in ((7, 300), (200, 5000)):
        html = page(folder, large(folder, tasks, samples))
        shown.resize(1200, 700)
        shown.open(html)
        zoom_ms(shown)
        shown.value("document.getElementById('all').click()")
        before = int(shown.value("document.querySelector('canvas').dataset.drawn"))
        times.append(min(zoom_ms(shown) for _ in range(3)))
        equal(int(shown.value("document.querySelector('canvas').dataset.drawn")) - before, 3 * STEPS, "each step is drawn")
    note(f"{STEPS} steps: {times} ms; {os.path.getsize(html)} bytes")
    ok(times[1] < 4 * times[0], "zooming a million samples takes no longer than zooming 2,100", times)
    ok(os.path.getsize(html) < 4 << 20, "the page of a million samples is less than 4 MiB", os.path.getsize(html))
    equal(shown.complaints, [], "the browser has nothing to complain of")


def main():
    with tempfile.TemporaryDirectory() as folder, browser(chromium()) as shown:
        content(shown, folder)
        zooming(shown)
        a_million(shown, folder)


run(main)
