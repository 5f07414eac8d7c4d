"""A headless Chromium driven through a pair of pipes, as a person drives one: keys, clicks, what is shown."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # no network, whatever a page asks for
    "--remote-debugging-pipe",
]
KEYS = {"Tab": 9, "Enter": 13, " ": 32, "End": 35, "Home": 36, "ArrowUp": 38, "ArrowDown": 40, "PageDown": 34}


def binary():
    """Path of a Chromium; None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One browser with one page."""

    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="springboard-browser-")
        ours, theirs = os.pipe(), os.pipe()

        def numbered():  # Chromium reads from 3 and writes to 4
            read, write = os.dup(ours[0]), os.dup(theirs[1])
            os.dup2(read, 3)
            os.dup2(write, 4)

        self._process = subprocess.Popen(
            [binary(), *FLAGS, f"--user-data-dir={self._folder}"],
            preexec_fn=numbered,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(ours[0])
        os.close(theirs[1])
        self._write, self._read = os.fdopen(ours[1], "wb", 0), os.fdopen(theirs[0], "rb", 0)
        self._rest, self._number, self._session = b"", 0, None
        self.said = []  # what the page wrote to its console, or threw
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")
        self.asked = []  # addresses that the page asked for

    def call(self, method, **parameters):
        """Ask the browser for something and wait for the answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._write.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _next(self):
        while b"\0" not in self._rest:
            piece = self._read.read(1 << 16)
            assert piece, "the browser ended"
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        event = json.loads(message)
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.said.append(json.dumps(event["params"]["exceptionDetails"])[:500])
            case "Network.requestWillBeSent":
                self.asked.append(event["params"]["request"]["url"])
            case "Page.loadEventFired":
                self._loaded = True
        return event

    def open(self, file, width=1400, height=1000, dark=False):
        """Show a file in a window of a size, on a light or a dark desktop."""
        self.said, self.asked, self._loaded = [], [], False
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=Path(file).absolute().as_uri())
        while not self._loaded:
            self._next()

    def ask(self, expression):
        """Value of an expression in the page; of a promise what it resolves to."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key, times=1):
        """Press a key as the keyboard does."""
        code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"Enter": "\r", " ": " "}.get(key)
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", type="keyDown", **code, **({"text": text} if text else {}))
            self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def write(self, text):
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def drag(self, start, end):
        """Press the mouse at a point, move it to another and let go."""
        moves = [("mouseMoved", end)] if start != end else []
        for kind, (x, y) in (("mousePressed", start), *moves, ("mouseReleased", end)):
            button = {"button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def screenshot(self, file):
        """Write what is shown as a PNG."""
        Path(file).write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def close(self):
        """End the browser."""
        self._process.terminate()
        self._process.wait(20)
        self._write.close()
        self._read.close()
        shutil.rmtree(self._folder, ignore_errors=True)
