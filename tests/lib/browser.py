# SPDX-License-Identifier: GPL-2.0
"""Drives Chromium without a screen, by the DevTools protocol on two pipes. It needs no network."""

import contextlib
import json
import os
import subprocess
import tempfile


class Browser:
    """A page that is shown, and what it complains of."""

    def __init__(self, to, replies):
        self.to, self.replies = to, replies
        self.number = 0
        self.session = None
        self.loaded = False
        # What the page wrote to the console, what it failed with, and the addresses that it asked for.
        self.complaints, self.requests = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Network", "Runtime", "Log", "Page"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """Calls a method of the protocol. Its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.to.write(json.dumps(message).encode() + b"\0")
        self.to.flush()
        while True:
            reply = self.read()
            if reply.get("id") == self.number:
                if "error" in reply:
                    raise OSError(reply["error"])
                return reply["result"]

    def read(self):
        text = b""
        while not text.endswith(b"\0"):
            text += self.replies.read(1) or (_ for _ in ()).throw(OSError("Chromium has ended"))
        message = json.loads(text[:-1])
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.complaints.append(parameters)
        elif method == "Page.loadEventFired":
            self.loaded = True
        return message

    def open(self, path):
        """Shows a file, once it is loaded."""
        self.complaints, self.requests, self.loaded = [], [], False
        self.call("Page.navigate", url=f"file://{path}")
        while not self.loaded:
            self.read()

    def value(self, expression):
        """The value of an expression of JavaScript in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise OSError(result["exceptionDetails"])
        return result["result"].get("value")

    def mouse(self, kind, x, y, **others):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **others)

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)


@contextlib.contextmanager
def browser(chromium):
    """Starts Chromium."""
    commands, to = os.pipe()
    replies, answers = os.pipe()

    def set_pipes():
        # Chromium reads from 3 and writes to 4. Both may be one of these pipes.
        first, second = os.dup(commands), os.dup(answers)
        os.dup2(first, 3)
        os.dup2(second, 4)

    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
            [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", f"--user-data-dir={folder}", "--remote-debugging-pipe"],
            preexec_fn=set_pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
        os.close(commands)
        os.close(answers)
        with os.fdopen(to, "wb") as commands_file, os.fdopen(replies, "rb") as replies_file:
            try:
                yield Browser(commands_file, replies_file)
            finally:
                started.kill()
                started.wait()
