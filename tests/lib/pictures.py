# SPDX-License-Identifier: GPL-2.0
"""Reads the values that a plot shows, from its SVG: an axis of shares, and areas above each other."""

import re
from xml.etree import ElementTree

USER, SYSTEM, HATCHED, UNSAMPLED = "#3B6FB6", "#F28E2B", "url(#hatched)", "url(#unsampled)"
GRID = "#E4E7EB"


class Picture:
    """A plot with one panel."""

    def __init__(self, path):
        root = ElementTree.parse(path).getroot()
        self.texts = [" ".join("".join(each.itertext()).split()) for each in _all(root, "text")]
        ticks = {float(each.get("y1")): each for each in _all(root, "line") if each.get("stroke") == GRID}
        labels = {}
        for each in _all(root, "text"):
            text = "".join(each.itertext()).strip()
            if each.get("text-anchor") == "end" and re.fullmatch(r"[\d.]+", text):
                labels[min(ticks, key=lambda y: abs(y - float(each.get("y")) + 4))] = float(text)
        # The position of 0, and of one per cent.
        self.zero, self.left, self.right = max(ticks), *(float(next(iter(ticks.values())).get(x)) for x in ("x1", "x2"))
        self.top = max(labels.values())
        self.percent = (self.zero - min(labels)) / self.top
        # The dashed line, in per cent.
        self.dashed = [self.value(float(each.get("y1"))) for each in _all(root, "line") if each.get("stroke-dasharray")]
        # Each area: its colour and its outline.
        self.areas = [(each.get("fill"), _points(each)) for each in _all(root, "polygon")]
        # The hatched ranges, as parts of the window.
        width = self.right - self.left
        self.unsampled = [((float(each.get("x")) - self.left) / width,
                           (float(each.get("x")) + float(each.get("width")) - self.left) / width)
                          for each in _all(root, "rect")
                          if each.get("fill") == UNSAMPLED and float(each.get("height")) > 20]

    def value(self, y):
        """The share at a height, in per cent."""
        return (self.zero - y) / self.percent

    def highest(self, *without):
        """The highest point of all areas but those of some colours, in per cent."""
        return max(self.value(y) for colour, points in self.areas if colour not in without for _, y in points)

    def seconds(self, window_s, *without):
        """The CPU time that the areas show together, but those of some colours, in a window of that length."""
        pixels = sum(_size(points) for colour, points in self.areas if colour not in without)
        return pixels / self.percent / 100 * window_s / (self.right - self.left)


def _all(root, tag):
    return [each for each in root.iter() if each.tag.endswith("}" + tag) or each.tag == tag]


def _points(polygon):
    numbers = list(map(float, re.findall(r"-?[\d.]+", polygon.get("points"))))
    return list(zip(numbers[::2], numbers[1::2]))


def _size(points):
    """The area of a polygon, by the shoelace formula."""
    return abs(sum(x * other_y - other_x * y for (x, y), (other_x, other_y) in zip(points, points[1:] + points[:1]))) / 2
