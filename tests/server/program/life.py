"""The processes: start, clean end, crashes of each kind, reload, systemd's protocol, settings that cannot work."""
import os
import select
import signal
import socket
import subprocess
import tempfile
import time

from harness import Server, expect, free_port, main, until

SECRET = "0123456789abcdef0123456789abcdef"


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_ends_within_two_seconds_and_leaves_nothing(program):
    for number in (signal.SIGTERM, signal.SIGINT):
        with tempfile.TemporaryDirectory() as folder, Server(program, environment={"XDG_RUNTIME_DIR": folder}) as server:
            expect(len(os.listdir(folder)) == 1, "one runtime directory")
            children = server.children()
            expect(sorted(children) == ["gateway", "worker 0", "worker 1"], children)
            client = server.client("a")
            began = time.monotonic()
            server.process.send_signal(number)
            expect(client.wait_closed() == 1001, client.closed)
            expect(server.process.wait(5) == 0, "status")
            expect(time.monotonic() - began < 2, "took too long")
            expect(not any(alive(pid) for pid in children.values()), "a child outlived the server")
            expect(os.listdir(folder) == [], "the runtime directory was left")


def test_children_die_with_a_killed_supervisor(program):
    with Server(program) as server:
        children = server.children()
        server.process.kill()
        server.process.wait()
        until(lambda: not any(alive(pid) for pid in children.values()), "a child outlived a killed supervisor")


def test_no_secret_in_arguments_or_environment(program):
    with Server(program, "--set", f"tokens.secret={SECRET}") as server:
        for pid in server.children().values():
            for file in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{file}", "rb") as f:
                    text = f.read()
                expect(SECRET.encode() not in text and server.admin.encode() not in text, f"secret in {file}")


def test_a_stopped_gateway_is_replaced(program):
    with Server(program) as server:
        old = server.children()["gateway"]
        os.kill(old, signal.SIGSTOP)
        until(lambda: server.children().get("gateway", old) != old, "the gateway was not replaced")
        until(lambda: ready(server), "not ready again")


def ready(server):
    try:
        return server.get("/readyz")[0] == 200
    except OSError:
        return False


def test_a_stopped_worker_is_replaced(program):
    with Server(program) as server:
        old = server.children()["worker 1"]
        os.kill(old, signal.SIGSTOP)
        until(lambda: server.children().get("worker 1", old) != old, "the worker was not replaced")


def test_port_in_use_is_said_and_ends(program):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run([program, "--dev", "--http", address, "--media-port", str(free_port(socket.SOCK_DGRAM, 2)), "--workers", "2"],
                              capture_output=True, text=True, timeout=30)
    expect(done.returncode == 1 and "cannot_listen" in done.stderr, done.stderr)
    expect("ready" not in done.stdout, done.stdout)


def test_dev_refuses_public_addresses(program):
    done = subprocess.run([program, "--dev", "--http", "0.0.0.0:0"], capture_output=True, text=True, timeout=30)
    expect(done.returncode == 2 and "--lan" in done.stderr, done.stderr)


def test_command_line(program):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/c.yaml"
        with open(path, "w") as f:
            f.write(f"tokens:\n  secret: {SECRET}\nmedia:\n  prot: 1\n")
        done = subprocess.run([program, "-c", path, "--check-config"], capture_output=True, text=True)
        expect((done.returncode, done.stderr) == (2, f"consilium: {path}:4: media.prot: no such setting\n"), done)
        with open(path, "w") as f:
            f.write(f"tokens:\n  secret: {SECRET}\n")
        done = subprocess.run([program, "-c", path, "--check-config"], capture_output=True, text=True)
        expect(done.returncode == 0, done)
        done = subprocess.run([program, "-c", path, "--print-config"], capture_output=True, text=True)
        expect(done.returncode == 0 and "********" in done.stdout and SECRET not in done.stdout, done)
        done = subprocess.run([program, "token", "-c", path, "--room", "r", "--identity", "i"], capture_output=True, text=True)
        expect(done.returncode == 0 and done.stdout.count(".") == 2, done)
        done = subprocess.run([program, "token", "-c", path, "--room", "r", "--identity", "i", "--role", "king"], capture_output=True, text=True)
        expect(done.returncode == 1 and not done.stdout, done)
    done = subprocess.run([program, "--version"], capture_output=True, text=True)
    expect(done.returncode == 0 and "libwebsockets" in done.stdout, done)
    done = subprocess.run([program, "worker", "0"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    expect(done.returncode == 1 and "supervisor" in done.stderr, done)


def test_systemd_and_reload(program):
    with tempfile.TemporaryDirectory() as folder:
        path, name = f"{folder}/c.yaml", f"{folder}/notify"

        def write(level, port):
            with open(path, "w") as f:
                f.write(f"runtime_directory: {folder}/run\ntokens: {{secret: {SECRET}}}\nadmin: {{token: {SECRET}}}\n"
                        f"log: {{level: {level}}}\nhttp: {{admin_listen: [\"127.0.0.1:{port}\"]}}\n")

        first, second = free_port(), free_port()
        write("info", first)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(name)
            systemd.settimeout(20)
            server = Server(program, "-c", path, dev=False, environment={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"})

            def wait(text):
                while True:
                    message = systemd.recv(4096).decode()
                    if text in message:
                        return message

            def logged(*texts):
                """Reads the log until all of them are there: the children reload on their own, after the supervisor's READY."""
                log = ""
                while not all(text in log for text in texts):
                    ready, _, _ = select.select([server.process.stderr], [], [], 20)
                    expect(ready, log)
                    log += os.read(server.process.stderr.fileno(), 65536).decode()
                return log

            with server:
                wait("READY=1\nSTATUS=ready")
                wait("WATCHDOG=1")
                wait("STATUS=0 rooms, 0 participants")
                expect(server.get("/metrics")[0] == 404, "metrics belong to the admin address")
                write("debug", second)
                server.process.send_signal(signal.SIGHUP)
                expect("MONOTONIC_USEC=" in wait("RELOADING=1"), "no time")
                wait("READY=1")
                log = logged("gateway reloaded", "worker-0 reloaded", "worker-1 reloaded")
                write("loud", second)
                server.process.send_signal(signal.SIGHUP)
                wait("RELOADING=1")
                wait("READY=1")
                server.process.send_signal(signal.SIGTERM)
                wait("STOPPING=1")
                server.process.wait(10)  # a second SIGTERM would not wait for anything
            expect("restart_needed settings=http.admin_listen" in log, log)
            expect("reload_failed" in server.errors and "log.level" in server.errors, server.errors)


main(test_command_line, test_ends_within_two_seconds_and_leaves_nothing, test_children_die_with_a_killed_supervisor,
     test_no_secret_in_arguments_or_environment, test_a_stopped_gateway_is_replaced, test_a_stopped_worker_is_replaced,
     test_port_in_use_is_said_and_ends, test_dev_refuses_public_addresses, test_systemd_and_reload)
