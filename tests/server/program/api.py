"""The HTTP API against server/gateway/openapi.yaml: every operation, every documented status that can be provoked, and each
body against its schema. The document is JSON, so that no YAML library is needed here."""
import json
import pathlib
import re
import socket
import ssl
import subprocess

from calls_common import join
from harness import PATIENCE, Server, expect, free_port, main, until

OPENAPI = json.loads((pathlib.Path(__file__).parents[3] / "server/gateway/openapi.yaml").read_text())
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list}


def check(value, schema, where):
    if "$ref" in schema:
        return check(value, OPENAPI["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], where)
    if "enum" in schema:
        expect(value in schema["enum"], f"{where}: {value!r} is none of {schema['enum']}")
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        fits = any(isinstance(value, TYPES[n]) and not (n == "integer" and isinstance(value, bool)) for n in names)
        expect(fits, f"{where}: {value!r} is no {names}")
    if isinstance(value, dict):
        for key in schema.get("required", []):
            expect(key in value, f"{where} lacks {key}")
        for key, inner in schema.get("properties", {}).items():
            if key in value:
                check(value[key], inner, f"{where}.{key}")
    if isinstance(value, list) and "items" in schema:
        for i, one in enumerate(value):
            check(one, schema["items"], f"{where}[{i}]")


class Documented:
    """Asks the server and holds every answer to the document; remembers what was covered."""

    def __init__(self, server):
        self.server = server
        self.covered = set()

    def __call__(self, method, template, path=None, token="admin"):
        status, headers, body = self.server.get(path or template, method, self.server.admin if token == "admin" else token)
        responses = OPENAPI["paths"][template.split("?")[0]][method.lower()]["responses"]
        expect(str(status) in responses, f"{method} {path or template}: {status} is not documented: {body}")
        self.covered.add((method.lower(), template, str(status)))
        content = responses[str(status)].get("content")
        if not content:
            expect(body == "", f"{method} {template}: {body!r}")
            return body
        kind = headers["Content-Type"].split(";")[0]
        expect(kind in content, f"{method} {template}: {kind} is not documented")
        if "json" in kind:
            body = json.loads(body)
            check(body, content[kind]["schema"], template)
        return body


def test_every_operation(program):
    with Server(program) as server:
        ask = Documented(server)
        ann, bob = server.client("ann"), server.client("bob", role="patient")
        join(ann, publish=True)
        second, _ = join(bob)
        for path in ("/healthz", "/readyz", "/version"):
            ask("GET", path, token=None)
        ask("GET", "/dev/token", "/dev/token?room=r1&name=x&role=doctor")
        ask("GET", "/dev/token", "/dev/token?room=r1&name=x&role=king")
        mine = ask("GET", "/dev/token", "/dev/token?room=r1&name=x&role=patient&identity=x")["token"]
        both = [ask("GET", "/v1/test-room", token=mine) for _ in range(2)]
        expect(both[0]["sender"] != both[1]["sender"], "fresh tokens each time")
        for wrong in (None, "", mine[:-2], server.admin):
            ask("GET", "/v1/test-room", token=wrong)
        for path in ("/metrics", "/api/v1/openapi.yaml", "/api/v1/rooms"):
            ask("GET", path)
            for wrong in (None, "", "x" * 48, server.admin[:-1], server.admin + "0"):
                ask("GET", path, token=wrong)
        rooms = ask("GET", "/api/v1/rooms")["rooms"]
        expect([(r["room"], r["participants"]) for r in rooms] == [("r1", 2)], rooms)
        room, one = "/api/v1/rooms/{room}", "/api/v1/rooms/{room}/participants/{participant}"
        full = ask("GET", room, "/api/v1/rooms/r1")
        expect(sorted(p["identity"] for p in full["participants"]) == ["ann", "bob"], full)
        ask("GET", room, "/api/v1/rooms/none")
        for method, template, path in (("GET", room, "r1"), ("DELETE", room, "r1"), ("DELETE", one, "r1/participants/p_x")):
            ask(method, template, f"/api/v1/rooms/{path}", token=None)
        ask("DELETE", one, "/api/v1/rooms/r1/participants/p_x")
        ask("DELETE", one, f"/api/v1/rooms/r1/participants/{second['participant']}")
        expect(bob.wait_closed() == 4001, bob.closed)
        ask("DELETE", room, "/api/v1/rooms/none")
        ask("DELETE", room, "/api/v1/rooms/r1")
        expect(ann.wait_closed() == 4002, ann.closed)
        for path, methods in OPENAPI["paths"].items():
            for method in set(methods) - {"parameters"}:
                for status in set(methods[method]["responses"]) - {"503"}:
                    expect((method, path, status) in ask.covered, f"{method} {path} {status} was not provoked")


def test_paths_that_are_none(program):
    with Server(program) as server:
        for path in ("/api/", "/api/v1/room", "/api/v1/rooms/", "/api/v1/rooms/a/b", "/api/v1/rooms/a/participants/",
                     "/api/v1/rooms/a%20b", "/api/v1/rooms/" + "a" * 129, "/metrics/x", "/nothing"):
            expect(server.get(path, token=server.admin)[0] == 404, path)
        expect(server.get("/api/v1/rooms", "DELETE", server.admin)[0] == 405, "no DELETE of all")
        status, headers, _ = server.get("/api/v1/rooms/a/participants/p", "GET", server.admin)
        expect((status, headers["Allow"]) == (405, "DELETE"), status)
        expect(server.get("/metrics")[1]["WWW-Authenticate"].startswith("Bearer"), "challenge")


def test_metrics_are_prometheus_text(program):
    with Server(program) as server:
        ann = server.client("canary-person", room="canary-room")
        join(ann)
        until(lambda: 'consilium_rooms{worker="0"} 1' in server.get("/metrics", token=server.admin)[2], "no room in the metrics")
        status, headers, text = server.get("/metrics", token=server.admin)
        expect(headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", headers["Content-Type"])
        family, kind, seen = None, None, set()
        for line in text.splitlines():
            if line.startswith("# HELP "):
                family = line.split()[2]
                expect(family not in seen, f"{family} twice")
                seen.add(family)
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                expect(name == family and kind in ("counter", "gauge", "histogram"), line)
                expect((kind == "counter") == name.endswith("_total"), line)
            else:
                sample = re.fullmatch(r'(consilium_[a-z_]+)(\{([a-z]+="[^"]*",?)+\})? -?[0-9.e+]+', line)
                names = [f"{family}_{part}" for part in ("bucket", "sum", "count")] if kind == "histogram" else [family]
                expect(sample and sample.group(1) in names, line)
        expect("canary" not in text and ann.welcome["session"] not in text, "somebody is named in the metrics")


def test_dashboard_and_alerts_ask_for_what_there_is(program):
    """conf/monitoring: every metric and every label value it names is one that the server gives."""
    folder = pathlib.Path(__file__).parents[3] / "conf/monitoring"
    dashboard = json.loads((folder / "grafana.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = (folder / "alerts.yml").read_text()
    asked += re.findall(r"expr: (?:>-\n)?((?:.|\n)*?)\n {8}(?:for|labels):", rules)
    expect(len(asked) == sum(len(p["targets"]) for p in dashboard["panels"]) + rules.count("- alert:"), "a rule without expr")
    with Server(program) as server:
        join(server.client("ann", room="r"))
        until(lambda: 'consilium_rooms{worker="0"} 1' in server.get("/metrics", token=server.admin)[2], "no room in the metrics")
        text = server.get("/metrics", token=server.admin)[2]
    names = set(re.findall(r"^(consilium_[a-z_]+)", text, re.M))
    for expression in asked:
        for name, _, selector in re.findall(r"(consilium_[a-z_]+)(\{([^}]*)\})?", expression):
            expect(name in names, f"{name} is no metric: {expression}")
            for label, values in re.findall(r'([a-z]+)=~?"([^"]*)"', selector):
                for value in values.split("|"):
                    there = re.search(rf'^{name}{{[^}}]*\b{label}="{value}"', text, re.M)
                    expect(there, f"{name} has no {label} {value}: {expression}")
        for labels in re.findall(r"by \(([a-z, ]+)\)", expression):
            for label in labels.split(", "):
                expect(any(re.search(rf'^{n}{{[^}}]*\b{label}="', text, re.M) for n in re.findall(r"consilium_[a-z_]+", expression)),
                       f"no label {label}: {expression}")


def test_admin_may_be_off_and_on_its_own_port(program):
    with Server(program, "--set", "admin.token=", links=3) as server:
        for token in ("", "x", None):
            expect(server.get("/api/v1/rooms", token=token)[0] == 401, "off")
    port = free_port()
    with Server(program, "--set", f"http.admin_listen=127.0.0.1:{port}") as server:
        expect(server.get("/api/v1/rooms", token=server.admin)[0] == 404, "not on the public port")
        server.http = port
        expect(server.get("/api/v1/rooms", token=server.admin)[0] == 200, "on its own port")


def test_lan_speaks_tls_to_everybody(program):
    """On the addresses of its own choice; port 8443 may be taken by somebody who tries --lan on this machine."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8443)) == 0:
            print("  left out: port 8443 is in use")
            return
    command = [program, "--lan", "--media-port", str(free_port(socket.SOCK_DGRAM)), "--workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
    try:
        expect(process.stdout.readline() == "ready https://localhost:8443\n", "ready line")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        links = [process.stdout.readline() for _ in range(4)]
        expect("https://localhost:8443/admin/" in links[3], links)
        for host in ("127.0.0.1", *socket.gethostbyname_ex(socket.gethostname())[2]):
            with socket.create_connection((host, 8443), PATIENCE) as plain, context.wrap_socket(plain) as s:
                s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                expect(s.recv(65536).startswith(b"HTTP/1.1 200"), f"healthz over TLS at {host}")
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


main(test_every_operation, test_paths_that_are_none, test_metrics_are_prometheus_text,
     test_dashboard_and_alerts_ask_for_what_there_is, test_admin_may_be_off_and_on_its_own_port,
     test_lan_speaks_tls_to_everybody)
