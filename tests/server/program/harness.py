"""Runs the program for the tests beside this file: free ports, the ready line, a WebSocket client and HTTP, with nothing but
Python's standard library. Every wait is on a socket or a pipe and has a deadline."""
import base64
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

PATIENCE = 20.0  # seconds; a sanitized build on a busy machine is slow


def free_port(kind=socket.SOCK_STREAM, count=1):
    """The first of `count` consecutive ports that are free now."""
    while True:
        with socket.socket(socket.AF_INET, kind) as first:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
        try:
            held = [socket.socket(socket.AF_INET, kind) for _ in range(count)]
            for i, s in enumerate(held):
                s.bind(("127.0.0.1", port + i))
            return port
        except (OSError, OverflowError):
            pass
        finally:
            for s in held:
                s.close()


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


class Server:
    """`consilium --dev` (or what `arguments` say) from start to end; use with `with`."""

    def __init__(self, program, *arguments, workers=2, links=4, dev=True, environment=None):
        self.http = free_port()
        self.media = free_port(socket.SOCK_DGRAM, workers)
        self.lines = []
        command = [program] + (["--dev"] if dev else [])
        command += ["--http", f"127.0.0.1:{self.http}", "--media-port", str(self.media), "--workers", str(workers), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
                                        env={**os.environ, **(environment or {})})
        self.admin = None
        self.expected_lines = 1 + links if dev else 1

    def __enter__(self):
        deadline = time.monotonic() + PATIENCE
        while len(self.lines) < self.expected_lines:
            self.lines.append(self.read_line(deadline))
            if "#token=" in self.lines[-1]:
                self.admin = self.lines[-1].split("#token=")[1].strip()
        expect(self.lines[0] == f"ready http://localhost:{self.http}\n", self.lines[0])
        return self

    def read_line(self, deadline):
        ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
        line = self.process.stdout.readline().decode() if ready else ""
        if not line:
            self.process.kill()
            raise AssertionError("no ready line; stderr:\n" + self.process.stderr.read().decode())
        return line

    def __exit__(self, kind, *rest):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=PATIENCE)
        self.errors = err = err.decode()
        if kind:
            sys.stderr.write(err)
        elif "ERROR: " in err and "Sanitizer" in err:
            raise AssertionError(err)

    def children(self):
        """{"gateway": pid, "worker 0": pid, …} of the processes that run now."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as f:
                    if int(f.read().rsplit(")", 1)[1].split()[1]) != self.process.pid:
                        continue
                with open(f"/proc/{pid}/cmdline") as f:
                    found[" ".join(w for w in f.read().split("\0")[1:] if w and w != "--dev")] = int(pid)
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    def get(self, path, method="GET", token=None):
        """(status, headers, body) of one HTTP request."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", method=method)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers, answer.read().decode()

    def api(self, path, method="GET"):
        status, _, body = self.get(path, method, self.admin)
        return status, json.loads(body) if body else None

    def token(self, name, role="doctor", room="r1", more=""):
        status, _, body = self.get(f"/dev/token?room={room}&name={name}&role={role}&identity={name}{more}")
        expect(status == 200, body)
        return json.loads(body)["token"]

    def client(self, name=None, role="doctor", room="r1", token=None, resume=None):
        """A WebSocket after its hello; `None` as name: before it."""
        client = Client(self.http)
        if resume:
            client.welcome = client.request("hello", version=1, resume=resume)
        elif name or token:
            client.welcome = client.request("hello", version=1, token=token or self.token(name, role, room))
        return client


class Client:
    """RFC 6455, text frames only."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.id = 0
        self.events = []
        self.closed = None
        self.buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET /v1/ws HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.socket.recv(1)
            expect(more, "the server closed during the upgrade")
            head += more
        expect(head.startswith(b"HTTP/1.1 101"), head.decode())

    def read(self, count):
        while len(self.buffer) < count:
            more = self.socket.recv(65536)
            if not more:
                return None
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def send(self, message):
        text = (message if isinstance(message, str) else json.dumps(message)).encode()
        mask = os.urandom(4)
        size = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + struct.pack(">H", len(text)) if len(text) < 65536 \
            else b"\xff" + struct.pack(">Q", len(text))
        self.socket.sendall(b"\x81" + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(text)))

    def receive(self):
        """The next message, or None when the server closed (then `closed` is the code)."""
        while self.closed is None:
            head = self.read(2)
            if head is None:
                self.closed = 1006
                break
            size = head[1] & 0x7F
            if size >= 126:
                size = struct.unpack(">H" if size == 126 else ">Q", self.read(2 if size == 126 else 8))[0]
            body = self.read(size)
            if head[0] & 0xF == 1:
                return json.loads(body)
            if head[0] & 0xF == 8:
                self.closed = struct.unpack(">H", body[:2])[0] if body else 1005
        return None

    def reply(self, wanted):
        """The reply to request `wanted`; events that come before it are kept."""
        while True:
            message = self.receive()
            expect(message is not None, f"closed with {self.closed} instead of a reply")
            if message.get("re") == wanted:
                return message
            self.events.append(message)

    def ask(self, kind, **fields):
        """The whole reply, whether ok or error."""
        self.id += 1
        self.send({"id": self.id, "type": kind, **fields})
        return self.reply(self.id)

    def request(self, kind, **fields):
        reply = self.ask(kind, **fields)
        expect("ok" in reply, f"{kind}: {reply}")
        return reply["ok"]

    def error(self, kind, **fields):
        reply = self.ask(kind, **fields)
        expect("error" in reply, f"{kind}: {reply}")
        return reply["error"]["code"]

    def event(self, name):
        """The next event of this name; others before it are dropped."""
        while True:
            message = self.events.pop(0) if self.events else self.receive()
            expect(message is not None, f"closed with {self.closed} instead of {name}")
            if message.get("event") == name:
                return message

    def wait_closed(self):
        while self.receive() is not None:
            pass
        return self.closed

    def drop(self):
        """Gone without a word, as with a lost network."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def until(question, text):
    """Asks again until the answer is yes; the pause keeps a busy machine usable."""
    deadline = time.monotonic() + PATIENCE
    while not question():
        expect(time.monotonic() < deadline, text)
        time.sleep(0.02)


def main(*tests):
    """Runs each test(program) of a file and names it."""
    for test in tests:
        print(test.__name__, flush=True)
        test(sys.argv[1])
