"""TURN credentials against Debian's coturn with conf/coturn.conf: what hello gives is accepted, everything else refused, and
nobody is relayed into internal networks. Speaks STUN and TURN itself (RFC 8489, RFC 8656), UDP and TLS, on loopback."""
import base64
import hashlib
import hmac
import os
import pathlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

from harness import PATIENCE, Server, expect, free_port, main

CONF = pathlib.Path(__file__).parents[3] / "conf/coturn.conf"
SECRET = "north-and-south-and-east-and-west"
COOKIE = 0x2112A442
ALLOCATE, CREATE_PERMISSION = 0x003, 0x008
USERNAME, INTEGRITY, ERROR_CODE, LIFETIME, XOR_PEER, REALM, NONCE, XOR_RELAYED, FAMILY, TRANSPORT = \
    0x0006, 0x0008, 0x0009, 0x000D, 0x0012, 0x0014, 0x0015, 0x0016, 0x0017, 0x0019
OK = 0


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


class Coturn:
    """turnserver with the sample settings; only addresses, ports, secret and certificate are the test's own."""

    def __init__(self, folder):
        self.port, self.tls_port = free_port(), free_port()
        relay = free_port(socket.SOCK_DGRAM, 40)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                        "-subj", "/CN=turn.clinic.example", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"],
                       check=True, capture_output=True)
        own = {"static-auth-secret": SECRET, "cert": f"{folder}/certificate.pem", "pkey": f"{folder}/key.pem",
               "listening-port": self.port, "tls-listening-port": self.tls_port, "min-port": relay, "max-port": relay + 39}
        lines = [line for line in CONF.read_text().splitlines() if line.split("=")[0] not in own and line not in ("syslog", "no-stdout-log")]
        lines += [f"{key}={value}" for key, value in own.items()]
        lines += ["listening-ip=127.0.0.1", "relay-ip=127.0.0.1", *(["relay-ip=::1"] if has_ipv6() else []), f"userdb={folder}/users.sqlite", f"pidfile={folder}/pid",
                  "log-file=stdout", "simple-log"]
        (pathlib.Path(folder) / "turnserver.conf").write_text("\n".join(lines) + "\n")
        self.log = open(f"{folder}/log", "w+b")
        self.process = subprocess.Popen(["turnserver", "-c", f"{folder}/turnserver.conf"], stdout=self.log, stderr=self.log)

    def __enter__(self):
        deadline = time.monotonic() + PATIENCE
        for port in (self.port, self.tls_port):
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), PATIENCE).close()
                    break
                except ConnectionRefusedError:
                    expect(self.process.poll() is None and time.monotonic() < deadline, f"turnserver is not there: {self.text()}")
                    time.sleep(0.05)
        return self

    def text(self):
        self.log.seek(0)
        return self.log.read().decode()

    def __exit__(self, kind, *rest):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        if kind:
            sys.stderr.write(self.text())


class Turn:
    """One client: a UDP socket, or TLS over TCP."""

    def __init__(self, port, username=None, credential=None, tls=False):
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE))
        else:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.connect(("127.0.0.1", port))
            self.socket.settimeout(PATIENCE)
        self.tls, self.username, self.credential = tls, username, credential
        self.realm = self.nonce = None
        self.version = self.socket.version() if tls else None

    def send(self, kind, attributes):
        transaction = os.urandom(12)
        body = b"".join(attribute(t, v(transaction) if callable(v) else v) for t, v in attributes)
        if self.nonce and self.username:
            body += attribute(USERNAME, self.username.encode()) + attribute(REALM, self.realm) + attribute(NONCE, self.nonce)
            # RFC 8489 §9.2.2: key = MD5(username ":" OpaqueString(realm) ":" OpaqueString(password))
            key = hashlib.md5(b":".join([self.username.encode(), self.realm, self.credential.encode()])).digest()
            head = struct.pack(">HHI", kind, len(body) + 24, COOKIE) + transaction
            body += attribute(INTEGRITY, hmac.new(key, head + body, hashlib.sha1).digest())
        self.socket.sendall(struct.pack(">HHI", kind, len(body), COOKIE) + transaction + body)
        answer = self.receive()
        expect(answer[8:20] == transaction, "another transaction's answer")
        got, at = {}, 20
        while at < len(answer):
            t, n = struct.unpack(">HH", answer[at:at + 4])
            got.setdefault(t, answer[at + 4:at + 4 + n])
            at += 4 + (n + 3) // 4 * 4
        code = got[ERROR_CODE][2] * 100 + got[ERROR_CODE][3] if struct.unpack(">H", answer[:2])[0] & 0x110 == 0x110 else OK
        return code, got

    def receive(self):
        if not self.tls:
            return self.socket.recv(2048)
        data = b""
        while len(data) < 20 or len(data) < 20 + struct.unpack(">H", data[2:4])[0]:
            more = self.socket.recv(2048)
            expect(more, "the server closed")
            data += more
        return data

    def ask(self, kind, *attributes):
        """With the challenge's nonce when there is one; follows a challenge (401 without credentials, 438 stale) once."""
        code, got = self.send(kind, attributes)
        if self.username and (code == 438 or (code == 401 and self.nonce is None)):
            self.realm, self.nonce = got[REALM], got[NONCE]
            code, got = self.send(kind, attributes)
        return code, got

    def allocate(self, family=4):
        """A relay of that IP version; RFC 8656 §18.8: 0x01 is IPv4, 0x02 is IPv6."""
        six = [(FAMILY, b"\x02\0\0\0")] if family == 6 else []
        return self.ask(ALLOCATE, (TRANSPORT, struct.pack(">B3x", 17)), *six)

    def permit(self, address):
        six = ":" in address
        packed = socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, address)

        def peer(transaction):  # RFC 8489 §14.2: XORed with the cookie and, for IPv6, the transaction
            mask = struct.pack(">I", COOKIE) + transaction
            return struct.pack(">xBH", 2 if six else 1, 9 ^ (COOKIE >> 16)) + bytes(a ^ b for a, b in zip(packed, mask))

        return self.ask(CREATE_PERMISSION, (XOR_PEER, peer))[0]


def attribute(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def password(username, secret=SECRET):
    return base64.b64encode(hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()).decode()


def given_by(program, coturn):
    """The credentials of somebody's hello."""
    url = f"turn:127.0.0.1:{coturn.port}?transport=udp"
    with Server(program, "--set", f"turn.secret={SECRET}", "--set", f"turn.urls={url}", "--set", "turn.ttl_seconds=60") as server:
        welcome = server.client("ann").welcome
    [one] = welcome["iceServers"]
    expect(one["urls"] == [url], one)
    expiry, user = one["username"].split(":")
    expect(user == welcome["session"] and 0 < int(expiry) - time.time() <= 60, one)
    return one["username"], one["credential"]


def test_credentials(program):
    with tempfile.TemporaryDirectory() as folder, Coturn(folder) as coturn:
        username, credential = given_by(program, coturn)
        code, got = Turn(coturn.port, username, credential).allocate()
        expect(code == OK and XOR_RELAYED in got and struct.unpack(">I", got[LIFETIME])[0] >= 600, f"refused: {code}")
        tls = Turn(coturn.tls_port, username, credential, tls=True)
        expect(tls.allocate()[0] == OK, "refused over TLS")
        expect(tls.version in ("TLSv1.2", "TLSv1.3"), tls.version)

        expect(Turn(coturn.port).allocate()[0] == 401, "nobody in particular was let in")
        late = f"{int(time.time()) + 86400}:{username.split(':')[1]}"
        past = f"{int(time.time()) - 60}:{username.split(':')[1]}"
        for what, name, word in (("a wrong password", username, ("B" if credential[0] == "A" else "A") + credential[1:]), ("a prolonged name", late, credential),
                                 ("another's name", username[:-1] + "_", credential), ("no password", username, ""),
                                 ("another secret", username, password(username, "x" + SECRET)), ("an expired name", past, password(past)),
                                 ("the secret itself", username, SECRET)):
            code, got = Turn(coturn.port, name, word).allocate()
            expect(code == 401 and XOR_RELAYED not in got, f"{what}: {code}")


def test_internal_networks_are_out_of_reach(program):
    with tempfile.TemporaryDirectory() as folder, Coturn(folder) as coturn:
        name = f"{int(time.time()) + 60}:s_test"
        turn = Turn(coturn.port, name, password(name))
        expect(turn.allocate()[0] == OK, "allocate")
        for peer in ("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.0.0.1", "10.0.0.1", "10.255.255.255", "100.64.0.1", "169.254.169.254",
                     "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255",
                     "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"):
            expect(turn.permit(peer) == 403, f"{peer} was permitted")
        for peer in ("1.1.1.1", "11.0.0.1", "172.32.0.1", "193.0.0.1", "9.9.9.9"):
            expect(turn.permit(peer) == OK, f"{peer} was refused")  # a permission alone sends nothing
        if not has_ipv6():
            return
        turn = Turn(coturn.port, name, password(name))
        expect(turn.allocate(6)[0] == OK, "allocate IPv6")
        for peer in ("::1", "::", "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:192.168.1.1", "64:ff9b::a00:1",
                     "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:db8::1", "2002:a00:1::1", "fc00::1", "fdff:ffff::1", "fe80::1",
                     "febf::1", "ff02::1"):
            expect(turn.permit(peer) == 403, f"{peer} was permitted")
        for peer in ("2606:4700:4700::1111", "2a00::1", "2001:4860::1"):
            expect(turn.permit(peer) == OK, f"{peer} was refused")


def test_quota(program):
    with tempfile.TemporaryDirectory() as folder, Coturn(folder) as coturn:
        quota = int(next(l for l in CONF.read_text().splitlines() if l.startswith("user-quota=")).split("=")[1])
        held = []
        for i in range(quota + 1):  # other expiry, same user: still one quota
            name = f"{int(time.time()) + 60 + i}:s_one"
            held.append(Turn(coturn.port, name, password(name)))
            code = held[-1].allocate()[0]
            expect(code == (OK if i < quota else 486), f"allocation {i + 1}: {code}")
        name = f"{int(time.time()) + 60}:s_two"
        expect(Turn(coturn.port, name, password(name)).allocate()[0] == OK, "another user pays for it")


if not shutil.which("turnserver"):
    print("skipped: Debian's package coturn is not installed")
    sys.exit(77)
main(test_credentials, test_internal_networks_are_out_of_reach, test_quota)
