"""Sessions: hello and its refusals, requests to a worker and back, resume, crashes of the gateway and of a worker."""
import os
import signal

from calls_common import join
from harness import Server, expect, main, until


def test_hello(program):
    with Server(program) as server:
        c = server.client("ann")
        w = c.welcome
        expect((w["version"], w["resumed"], w["identity"], w["role"], w["room"]) == (1, False, "ann", "doctor", "r1"), w)
        expect(len(w["resumeKey"]) == 64 and w["session"].startswith("s_") and w["resumeWindow"] == 60, w)
        expect(w["limits"]["chatBytes"] == 4096 and w["iceServers"] == [], w)
        expect(c.error("hello", version=1, token="x") == "bad_request", "a second hello")
        expect("at" in c.request("ping"), "ping")


def test_hello_refused(program):
    with Server(program) as server:
        token = server.token("ann")
        server.client(token=token)
        c = server.client()
        expect(c.error("join") == "not_authenticated", "join before hello")
        expect(c.error("hello", version=1) == "not_authenticated", "no token")
        expect(c.error("hello", version=2, token=token) == "unsupported_version", "version")
        expect(c.error("hello", version=1, token=token) == "token_used", "used twice")
        expect(c.error("hello", version=1, token=token[:-4] + "AAAA") == "token_invalid", "signature")
        expect(c.error("hello", version=1, resume={"session": "s_" + "A" * 22, "key": "0" * 64}) == "session_not_found", "resume")
        c.request("hello", version=1, token=server.token("bob"))  # the connection was still good
        c = server.client()
        c.send("[]")
        expect(c.receive()["error"]["code"] == "bad_message", "no object")
        expect(c.wait_closed() == 4005, c.closed)


def test_token_used_survives_a_gateway_crash(program):
    with Server(program) as server:
        token = server.token("ann")
        server.client(token=token)
        crash(server, "gateway")
        c = server.client()
        expect(c.error("hello", version=1, token=token) == "token_used", "used before the crash")


def test_flood_is_refused_then_closed(program):
    with Server(program) as server:
        c = server.client("ann")
        for i in range(600):
            c.send({"id": i + 10, "type": "ping"})
        codes = set()
        while (message := c.receive()) is not None:
            codes.add(message.get("error", {}).get("code", "ok"))
        expect(c.closed == 4006 and codes == {"ok", "rate_limited"}, (c.closed, codes))


def test_two_people(program):
    with Server(program) as server:
        ann, bob = server.client("ann"), server.client("bob", role="patient")
        first, answer = join(ann)
        expect(answer.startswith("v=0\r\n") and "a=ice-lite" in answer and "a=setup:passive" in answer, answer)
        second, _ = join(bob)
        expect(len(second["room"]["participants"]) == 2, second)
        expect(ann.event("participantJoined")["participant"]["identity"] == "bob", "joined")
        bob.request("chat", text="hello")
        expect(ann.event("chat")["text"] == "hello", "chat")
        expect(bob.error("lock", locked=True) == "forbidden", "patients do not lock")
        expect(bob.error("offer", sdp="v=0\r\n") == "bad_offer", "bad SDP")
        expect(ann.request("check", room="r1")["participants"] == 2, "check")
        expect(ann.error("check", room="another") == "forbidden", "check elsewhere")
        ann.request("kick", participant=second["participant"])
        expect(bob.wait_closed() == 4001, bob.closed)
        ann.request("leave")


def test_resume(program):
    with Server(program) as server:
        ann, bob = server.client("ann"), server.client("bob")
        join(ann)
        join(bob)
        key = {"session": ann.welcome["session"], "key": ann.welcome["resumeKey"]}
        ann.drop()
        expect(bob.event("participantUpdated")["participant"]["connected"] is False, "lost")
        back = server.client(resume=key)
        expect(back.welcome["resumed"] and back.welcome["session"] == key["session"], back.welcome)
        expect(len(back.event("sync")["room"]["participants"]) == 2, "sync")
        expect(bob.event("participantUpdated")["participant"]["connected"] is True, "back")
        third = server.client(resume=key)  # while the second is there: it takes over
        third.event("sync")
        expect(back.wait_closed() == 4003, back.closed)
        wrong = server.client()
        expect(wrong.error("hello", version=1, resume={**key, "key": "f" * 64}) == "session_not_found", "wrong key")
        third.request("chat", text="still here")


def crash(server, name):
    old = server.children()[name]
    os.kill(old, signal.SIGKILL)
    until(lambda: server.children().get(name, old) != old, f"{name} did not come back")

    def ready():
        try:
            return server.get("/readyz")[0] == 200
        except OSError:
            return False

    until(ready, "not ready again")


def test_gateway_crash(program):
    with Server(program) as server:
        ann, bob = server.client("ann"), server.client("bob")
        me, _ = join(ann)
        join(bob)
        crash(server, "gateway")
        expect(ann.wait_closed() == 1006 and bob.wait_closed() == 1006, "closed")
        back = server.client(resume={"session": ann.welcome["session"], "key": ann.welcome["resumeKey"]})
        room = back.event("sync")["room"]
        expect(room["self"] == me["participant"], "the same participant")
        expect([p["connected"] for p in room["participants"] if p["identity"] == "bob"] == [False], room)
        bob = server.client(resume={"session": bob.welcome["session"], "key": bob.welcome["resumeKey"]})
        expect(back.event("participantUpdated")["participant"]["identity"] == "bob", "bob is back")
        bob.request("chat", text="after the crash")
        expect(back.event("chat")["text"] == "after the crash", "chat")


def worker_of(server):
    """The worker that holds the one room there is."""
    status, text = server.get("/metrics", token=server.admin)[::2]
    return [line for line in text.splitlines() if line.startswith("consilium_rooms{") and line.endswith(" 1")][0].split('"')[1]


def test_worker_crash(program):
    with Server(program) as server:
        ann, bob = server.client("ann"), server.client("bob")
        join(ann)
        join(bob)
        until(lambda: any(l.startswith("consilium_rooms{") and l.endswith(" 1")
                          for l in server.get("/metrics", token=server.admin)[2].splitlines()), "no room in the metrics")
        os.kill(server.children()[f"worker {worker_of(server)}"], signal.SIGKILL)
        for client in (ann, bob):
            expect(client.event("mediaLost")["reason"] == "worker_lost", "told")
        join(ann)
        second, _ = join(bob)
        expect(len(second["room"]["participants"]) == 2, second)
        expect(server.get("/healthz")[0] == 200, "health")


def test_only_worker_crash_while_lost(program):
    """No other worker, and one client away: it learns of it when it is back."""
    with Server(program, workers=1) as server:
        ann, bob = server.client("ann"), server.client("bob")
        join(ann)
        join(bob)
        key = {"session": bob.welcome["session"], "key": bob.welcome["resumeKey"]}
        bob.drop()
        ann.event("participantUpdated")
        crash(server, "worker 0")
        ann.event("mediaLost")
        join(ann)
        bob = server.client(resume=key)
        expect(bob.event("mediaLost")["reason"] == "worker_lost", "told")
        join(bob)
        expect(ann.event("participantJoined")["participant"]["identity"] == "bob", "together again")


def test_drain(program):
    with Server(program, "--set", "limits.drain_seconds=60") as server:
        ann = server.client("ann")
        join(ann)
        waiting = server.client()
        fresh, same = server.token("bob", room="r2"), server.token("carl")
        server.process.send_signal(signal.SIGTERM)
        ann.event("draining")
        expect(server.get("/readyz")[0] == 503, "readyz")
        expect(waiting.error("hello", version=1, token=fresh) == "draining", "a new room")
        waiting.request("hello", version=1, token=same)
        waiting.socket.close()
        ann.request("leave")
        server.process.send_signal(signal.SIGTERM)  # the second one does not wait
        expect(ann.wait_closed() == 1001, ann.closed)
        expect(server.process.wait(5) == 0, "status")


if __name__ == "__main__":
    main(test_hello, test_hello_refused, test_token_used_survives_a_gateway_crash, test_flood_is_refused_then_closed, test_two_people,
         test_resume, test_gateway_crash, test_worker_crash, test_only_worker_crash_while_lost, test_drain)
