#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon plot: an SVG with its labels, hatched where sampling was stopped, with areas in proportion to the CPU time and
# the waiting time. The same as PNG.
#
# kernels: x86_64
# needs: taskmon

import contextlib
import os
import re
import struct
import subprocess
import time
import zlib
from xml.etree import ElementTree

from lib.module import loaded, write
from lib.processes import burn, burn_and_sleep, process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import samples
from lib.taskmon import recorded, taskmon

SVG = "/tmp/plot.svg"
PNG = "/tmp/plot.png"
OUT = "/tmp/recording"
USER, SYSTEM, HATCHED = "#3B6FB6", "#F28E2B", "url(#hatched)"
# The first group of a stack, and the times at which nothing was sampled.
GROUP, UNSAMPLED = "#332288", "url(#unsampled)"
# The line of waiting time.
INK = "#262B33"


class Picture:
    def __init__(self, path=SVG):
        self.root = ElementTree.parse(path).getroot()
        self.texts = [" ".join("".join(each.itertext()).split()) for each in self.root.iter()
                      if each.tag.endswith("text")]

    def areas(self, colour):
        """The areas of that colour, as lists of points."""
        found = []
        for each in self.root.iter():
            if each.tag.endswith("polygon") and each.get("fill") == colour:
                numbers = list(map(float, re.findall(r"-?[\d.]+", each.get("points"))))
                found.append(list(zip(numbers[::2], numbers[1::2])))
        return found

    def hatched(self):
        """The left and right edges of the times at which nothing was sampled."""
        return [(float(each.get("x")), float(each.get("x")) + float(each.get("width"))) for each in self.root.iter()
                if each.get("fill") == UNSAMPLED and float(each.get("height")) > 20]

    def dashed(self):
        """The heights of dashed lines."""
        return [float(each.get("y1")) for each in self.root.iter() if each.get("stroke-dasharray")]

    def lines(self, colour):
        """The lines of that colour with more than two points, as lists of points."""
        found = []
        for each in self.root.iter():
            if each.tag.endswith("polyline") and each.get("stroke") == colour:
                points = [tuple(map(float, point.split(","))) for point in each.get("points").split()]
                found.append(points)
        return [points for points in found if len(points) > 2]


def area(points):
    """The area of a polygon, by the shoelace formula."""
    return abs(sum(x * other_y - other_x * y
                   for (x, y), (other_x, other_y) in zip(points, points[1:] + points[:1]))) / 2


def plotted(*words, to=SVG):
    done = taskmon("plot", "-o", to, *words)
    if done.returncode:
        raise OSError(done)
    return Picture() if to == SVG else None


def several(pids):
    drawing = plotted()
    for pid in pids:
        ok(any(f"({pid})" in text for text in drawing.texts), f"task {pid} has a panel", drawing.texts)
    for label in ("user", "system", "% of one CPU"):
        ok(label in drawing.texts, f"the plot has the label '{label}'", drawing.texts)
    ok(any(re.match("time since .*, s$", text) for text in drawing.texts), "the time axis has its unit", drawing.texts)
    ok(any("sampled every 10 ms" in text for text in drawing.texts), "the interval is in small print", drawing.texts)
    ok(drawing.areas(USER), "areas of user time have their colour")
    ok(len(plotted(pids[0]).areas(USER)) <= len(drawing.areas(USER)), "one task has fewer areas than two")
    equal(plotted("--title", "A & <B>").texts.count("A & <B>"), 1, "--title sets the title")


def gap_while_stopped(pid):
    """While sampling was stopped, the plot has a gap."""
    history = samples(pid=pid)
    gap = max(after.time - before.time for before, after in zip(history, history[1:]))
    whole = history[-1].time - history[0].time
    drawing = plotted(pid)
    areas = drawing.areas(USER)
    edges = sorted((min(x for x, _ in area), max(x for x, _ in area)) for area in areas)
    width = edges[-1][1] - edges[0][0]
    widest = max(after[0] - before[1] for before, after in zip(edges, edges[1:]))
    note(f"gap {gap / whole:.3f} of the time, {widest / width:.3f} of the plot, {len(areas)} areas")
    ok(widest >= 0.8 * width * gap / whole, "the gap is as wide as the pause", (widest, width, gap, whole))
    hatched = max(end - begin for begin, end in drawing.hatched())
    ok(0.8 < hatched / (width * gap / whole) < 1.2, "it is hatched", (hatched, width, gap, whole))
    ok(any(text.startswith("not sampled · ") for text in drawing.texts), "the legend says so", drawing.texts)
    pairs = [(before, after) for before, after in zip(history, history[1:])
             if after.time - before.time < gap]
    user, system = (sum(getattr(after, name) - getattr(before, name) for before, after in pairs)
                    for name in ("usr", "sys"))
    drawn = [sum(map(area, drawing.areas(colour))) for colour in (USER, SYSTEM)]
    note(f"user {user} us, system {system}; areas {drawn}")
    ok(abs(drawn[0] / sum(drawn) - user / (user + system)) < 0.02, "the areas are in proportion to the CPU time",
       (drawn, user, system))


def pixels(path):
    """Width, height, bit depth, colour type and size of the unpacked data of a PNG."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("not a PNG")
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    packed, at = b"", 8
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if zlib.crc32(name + body) != struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0]:
            raise ValueError("a checksum is wrong")
        packed += body if name == b"IDAT" else b""
        at += 12 + length
    return width, height, depth, kind, len(zlib.decompress(packed))


def as_png(pid):
    plotted(pid, "--width", 640, to=PNG)
    width, height, depth, kind, size = pixels(PNG)
    equal((width, depth, kind), (1280, 8, 6), "--width 640: a PNG of 1,280 pixels, 8-bit RGBA")
    equal(size, height * (width * 4 + 1), "the PNG has all its lines")
    plotted(pid, "--width", 640)
    drawn = re.match(r"[\d.]+", Picture().root.get("height")).group()
    equal(height, 2 * round(float(drawn)), "the PNG has twice the height of the SVG")


def trees():
    script = "for i in 1 2 3 4; do dd if=/dev/zero of=/dev/null bs=64k count=3000 2> /dev/null; done; sleep 0.1"
    taskmon("record", "-i", 5, "-o", OUT, "--", "sh", "-c", script)
    drawing = plotted(OUT)
    ok(any(text.startswith("dd ×4") for text in drawing.texts),
       "the processes of a recording are stacked by name", drawing.texts)
    ok(any(text.startswith("sh -c for i in 1 2 3 4") for text in drawing.texts), "the plot shows the command")
    apart = plotted(OUT, "--panels")
    ok(sum(text.startswith("dd (") for text in apart.texts) == 4, "--panels: one panel for each process", apart.texts)


def used_and_waited(history):
    """What the tasks of a recording used, and how long they waited, after their first samples."""
    used = waited = 0
    for pid in {each.pid for each in history}:
        first, *_, last = (each for each in history if each.pid == pid)
        used += last.usr + last.sys - first.usr - first.sys
        waited += last.wait - first.wait
    return used, waited


def oversubscribed():
    """Twice as many loops as CPUs: each wants a CPU all the time, and gets one half of the time."""
    cpus = os.cpu_count()
    with contextlib.ExitStack() as loops:
        pids = [loops.enter_context(process(lambda: burn(1000))) for _ in range(2 * cpus)]
        taskmon("record", "--alone", "-p", pids[0], "-d", "3s", "-o", OUT)
        used, waited = used_and_waited(recorded(OUT))
        drawing = plotted(OUT)
        ok("waiting for a CPU" in drawing.texts, "the legend names the waiting time", drawing.texts)
        areas = {colour: sum(map(area, drawing.areas(colour))) for colour in (USER, SYSTEM, HATCHED)}
        note(f"used {used} us, waited {waited}; areas {areas}")
        ok(waited > used / 3, "a loop that shares its CPU has waited", (used, waited))
        ok(abs(areas[HATCHED] / sum(areas.values()) - waited / (used + waited)) < 0.05,
           "the hatched areas are in proportion to the waiting time", (areas, used, waited))
        taskmon("record", "--alone", "-p", ",".join(map(str, pids)), "-d", "3s", "-o", OUT)
    used, waited = used_and_waited(recorded(OUT))
    drawing = plotted("--stacked", OUT)
    ok(any(text.startswith("waiting for a CPU, all processes · ") for text in drawing.texts),
       "stacked: the legend names the line", drawing.texts)
    ok(f"{cpus} CPUs" in drawing.texts, "stacked: a line shows how many CPUs there are", drawing.texts)
    areas, lines = drawing.areas(GROUP), drawing.lines(INK)
    dashed, = drawing.dashed()
    ok(min(y for points in areas for _, y in points) >= dashed - 0.02, "stacked: no share is above all CPUs", dashed)
    bottom = max(y for points in areas for _, y in points)
    below = sum((after - x) * (bottom - y) for points in lines for (x, y), (after, _) in zip(points, points[1:]))
    note(f"used {used} us, waited {waited}; areas {sum(map(area, areas))}, below the line {below}")
    ok(abs(below / sum(map(area, areas)) - waited / used) < 0.05 * waited / used,
       "stacked: the line is the waiting time of all, in the unit of the areas", (below, used, waited))


def errors():
    for arguments, wanted in ((["-o", "/tmp/x.gif"], "/tmp/x.gif: the name must end in .svg, .png or .html"),
                          (["-o", SVG, "/no/such"], "/no/such: No such file or directory"),
                          (["-o", SVG, "/etc/passwd"], "/etc/passwd: line 1: not a sample"),
                          (["-o", SVG, "4194304"], "4194304 has no samples: watch it with `taskmon add 4194304`")):
        done = taskmon("plot", *arguments)
        equal((done.returncode, done.stderr), (1, f"taskmon: {wanted}\n"), f"plot {' '.join(arguments)}")


def main():
    with loaded(period_ms=10):
        with process(burn_and_sleep) as one, process(lambda: burn(1000)) as other:
            write(f"{one} {other}")
            ok(wait_until(lambda: len(samples(pid=other)) > 80), "two tasks are sampled")
            write("stop")
            time.sleep(1)
            write("start")
            ok(wait_until(lambda: len(samples(pid=other)) > 160), "they are sampled again after a pause")
            write("stop")
            several([one, other])
            gap_while_stopped(other)
            as_png(other)
            write("start clear")
            write(f"-{one} -{other}")
        trees()
        oversubscribed()
        errors()
    subprocess.run(["rm", "-f", SVG, PNG, OUT], check=True)


run(main)
