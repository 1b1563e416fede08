"""Chromium without a window, driven over two pipes by its own protocol: no driver program and no package is needed.

https://chromedevtools.github.io/devtools-protocol/ describes the methods; messages are JSON that ends in a zero byte.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
KEY_CODES = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Enter": 13, "Escape": 27, "Tab": 9}


def find_chromium():
    """Path of the browser, `None` where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One window with one page.

    Attributes:
        requests: addresses that pages asked for since the last `open`, the page's own included.
        messages: what pages wrote to the console, errors of their scripts and violations of their policy included.
    """

    def __init__(self, profile):
        self.requests, self.messages = [], []
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio"]
        arguments += ["--disable-background-networking", "--disable-extensions", "--hide-scrollbars", f"--user-data-dir={profile}"]

        # The browser reads its descriptor 3 and writes its descriptor 4.
        pipes = f'exec 3<&{to_browser} 4>&{from_browser}; exec "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", pipes, "browser", find_chromium(), "--remote-debugging-pipe", *arguments, "about:blank"],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._rest, self._number, self._session = b"", 0, None
        target = next(t for t in self._call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def close(self):
        try:
            self._session = None
            self._call("Browser.close")
        except EOFError:
            pass  # it may be gone before it answers
        self._process.wait(timeout=60)
        os.close(self._out)
        os.close(self._in)

    def open(self, path, *, width=1280, height=900, dark=False):
        """Shows a file or an address and waits until it is loaded."""
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self.requests.clear()
        self.messages.clear()
        self._loaded = False
        self._call("Page.navigate", url=path.resolve().as_uri() if isinstance(path, pathlib.Path) else path)
        while not self._loaded:
            self._take(self._receive())

    def resize(self, width, height):
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def run(self, expression):
        """Value of a JavaScript expression; a promise is waited for."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression):
        """First true value of a JavaScript expression, asked for at each frame."""
        for _ in range(100_000):
            if value := self.run(expression):
                return value
            self.run("new Promise(done => setTimeout(done, 20))")
        raise AssertionError(f"never true: {expression}")

    def choose_file(self, selector, path):
        """Chooses a file in the file input that a CSS selector finds."""
        root = self._call("DOM.getDocument")["root"]["nodeId"]
        found = self._call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self._call("DOM.setFileInputFiles", nodeId=found, files=[os.fspath(path)])

    def drag(self, *points):
        """Presses the mouse's left button at the first point of the window, moves through all points, and releases it."""
        mouse = {"button": "left", "buttons": 1, "clickCount": 1, "pointerType": "mouse"}
        for number, (x, y) in enumerate([*points, points[-1]]):
            kind = "mousePressed" if number == 0 else "mouseReleased" if number == len(points) else "mouseMoved"
            if number == 0:
                self._call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **mouse)

    def swipe(self, *points):
        """The same with a finger."""
        self._call("Emulation.setTouchEmulationEnabled", enabled=True)
        for number, (x, y) in enumerate(points):
            self._call("Input.dispatchTouchEvent", type="touchMove" if number else "touchStart", touchPoints=[{"x": x, "y": y}])
        self._call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self._call("Emulation.setTouchEmulationEnabled", enabled=False)

    def download(self, expression, folder):
        """Path of the file that is downloaded when a JavaScript expression is run."""
        self._begun, self._completed = None, set()
        self._call("Browser.setDownloadBehavior", behavior="allowAndName", downloadPath=os.fspath(folder), eventsEnabled=True)
        self.run(expression)
        while self._begun is None or self._begun not in self._completed:
            self._take(self._receive())
        return folder / self._begun

    def press(self, key):
        """Presses and releases a key, as a person would."""
        code = KEY_CODES.get(key, ord(key) if len(key) == 1 else 0)
        text = {"text": key} if len(key) == 1 else ({"text": "\r"} if key == "Enter" else {})
        for kind, written in (("keyDown", text), ("keyUp", {})):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **written)

    def names(self):
        """Role and name of each thing on the page, as a screen reader gets them."""
        nodes = self._call("Accessibility.getFullAXTree")["nodes"]
        kept = [node for node in nodes if not node.get("ignored")]
        return [(node.get("role", {}).get("value"), node.get("name", {}).get("value", "")) for node in kept]

    def screenshot(self, path, *, whole=True):
        data = self._call("Page.captureScreenshot", captureBeyondViewport=whole, format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def _call(self, method, **parameters):
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self._take(answer)

    def _receive(self):
        while b"\0" not in self._rest:
            block = os.read(self._in, 1 << 16)
            if not block:
                raise EOFError("the browser ended")
            self._rest += block
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _take(self, event):
        name, values = event.get("method"), event.get("params", {})
        if name == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        elif name == "Browser.downloadWillBegin":
            self._begun = values["guid"]
        elif name == "Browser.downloadProgress" and values["state"] == "completed":
            self._completed.add(values["guid"])
        elif name == "Page.loadEventFired":
            self._loaded = True
        elif name == "Runtime.exceptionThrown":
            self.messages.append(json.dumps(values["exceptionDetails"]))
        elif name == "Log.entryAdded":
            self.messages.append(values["entry"]["text"])
        elif name == "Runtime.consoleAPICalled":
            self.messages.append(json.dumps(values["args"]))
