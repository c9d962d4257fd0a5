"""Calls between clients of the real server: ringing, answering, where it leads, and what a crash or a lost socket does."""
import signal

from calls import crash
from calls_common import join
from harness import Server, expect, main, until


def lobby(server, name, role="patient"):
    return server.client(token=server.token(name, role, room="", more="&lobby"))


def test_a_doctor_calls_a_patient(program):
    with Server(program) as server:
        doctor, patient, other = lobby(server, "doc", "doctor"), lobby(server, "pat"), lobby(server, "pat")
        expect(doctor.welcome["room"] == "", doctor.welcome)
        expect(doctor.error("join") == "room_not_found" and doctor.error("chat", text="x") == "not_joined", "the lobby is no room")
        expect(doctor.error("check", room="demo") == "forbidden" and "at" in doctor.request("ping"), "lobby")
        expect(doctor.request("checkUser", identity="pat") == {"online": True, "busy": False}, "presence")
        call = doctor.request("invite", to=["pat"], message="Results", video=True)
        expect(call["call"].startswith("c_") and call["room"].startswith("call-"), call)
        expect(doctor.event("callRinging") == {"event": "callRinging", "call": call["call"], "to": "pat"}, "ringing")
        for page in (patient, other):
            ring = page.event("incomingCall")
            expect(ring["from"] == {"identity": "doc", "name": "doc", "role": "doctor"} and ring["room"] == call["room"], ring)
            expect(ring["message"] == "Results" and ring["video"] and ring["expiresAt"] == call["expiresAt"], ring)
        expect(doctor.request("checkUser", identity="pat") == {"online": True, "busy": True}, "it rings")
        join(doctor)  # early, so that media is warm
        # Everything at once: the room is there when `join` is handled.
        patient.send({"id": 50, "type": "accept", "call": call["call"]})
        patient.send({"id": 51, "type": "join"})
        expect(patient.reply(50)["ok"] == {"room": call["room"]}, "accept")
        expect(len(patient.reply(51)["ok"]["room"]["participants"]) == 2, "join")
        expect(patient.event("callEnded")["reason"] == "answered", "this page")
        expect(other.event("callEnded")["reason"] == "accepted_elsewhere", "the other page")
        expect(other.error("accept", call=call["call"]) == "call_not_found", "too late")
        expect(doctor.event("callAccepted")["by"] == "pat", "accepted")
        ended = doctor.event("callEnded")
        expect(ended["reason"] == "answered" and ended["to"] == [{"identity": "pat", "state": "accepted"}], ended)
        expect(doctor.event("participantJoined")["participant"]["identity"] == "pat", "together")
        expect(other.error("join") == "room_not_found", "only the page that answered has the room")
        until(lambda: 'consilium_calls_total{outcome="answered"} 1' in server.get("/metrics", token=server.admin)[2], "metrics")


def test_declined_cancelled_timed_out(program):
    with Server(program, "--set", "calls.ring_seconds=1") as server:
        doctor, patient = lobby(server, "doc", "doctor"), lobby(server, "pat")
        call = doctor.request("invite", to=["pat"])["call"]
        patient.request("decline", call=patient.event("incomingCall")["call"], reason="not now")
        said = doctor.event("callDeclined")
        expect(said["by"] == "pat" and said["reason"] == "not now" and not said["busy"] and said["call"] == call, said)
        expect(doctor.event("callEnded")["reason"] == "declined" and patient.event("callEnded")["reason"] == "declined", "declined")
        doctor.request("cancel", call=doctor.request("invite", to=["pat"])["call"])
        expect(doctor.event("callEnded")["reason"] == "cancelled" and patient.event("callEnded")["reason"] == "cancelled", "cancelled")
        doctor.request("invite", to=["pat", "nobody"])
        expect(patient.event("callEnded")["reason"] == "timed_out", "timed out")
        ended = doctor.event("callEnded")
        expect(ended["reason"] == "timed_out" and [t["state"] for t in ended["to"]] == ["timed_out"] * 2, ended)


def test_a_consultation_grows(program):
    """Into a locked room, past the waiting room, away from another room: whoever is called in is let in."""
    with Server(program) as server:
        doctor, patient = server.client("doc", room="visit"), server.client("pat", role="patient", room="visit")
        colleague = server.client("lee", room="ward")
        expert = server.client(token=server.token("expert", "interpreter", room="visit", more="&wait"))
        join(doctor)
        join(patient)
        join(colleague)
        expect(patient.error("invite", to=["lee"]) == "forbidden", "doctors bring people in")
        expect(doctor.error("invite", to=["lee"], room="ward") == "forbidden", "into this room")
        doctor.request("lock", locked=True)
        expect(expert.request("join")["waiting"] is True, "waits as its token says")
        doctor.request("invite", to=["lee", "expert"])
        expect(doctor.event("callDeclined")["busy"] is True, "lee is in a consultation")
        expert.request("accept", call=expert.event("incomingCall")["call"])
        inside, _ = join(expert)
        expect(len(inside["room"]["participants"]) == 3, inside)
        colleague.request("leave")
        doctor.request("invite", to=["lee"])
        colleague.send({"id": 60, "type": "accept", "call": colleague.event("incomingCall")["call"]})
        colleague.send({"id": 61, "type": "join"})
        expect(colleague.reply(60)["ok"] == {"room": "visit"}, "accept")
        room = colleague.reply(61)["ok"]["room"]
        expect(room["id"] == "visit" and len(room["participants"]) == 4, room)
        colleague.events.clear()
        doctor.request("chat", text="welcome")
        expect(colleague.event("chat")["text"] == "welcome", "one room, the new one")


def test_a_room_is_left_for_a_call(program):
    with Server(program) as server:
        ann, bob, doctor = server.client("ann", room="a"), server.client("bob", room="a"), server.client("doc", room="b")
        doctor.request("invite", to=["ann"])
        call = ann.event("incomingCall")["call"]
        join(ann)  # meanwhile it went into its own room
        join(bob)
        ann.send({"id": 70, "type": "chat", "text": "unanswered or not"})
        ann.send({"id": 71, "type": "accept", "call": call})
        ann.send({"id": 72, "type": "join"})
        first = ann.reply(70)
        expect("ok" in first or first["error"]["code"] == "not_joined", first)
        expect(ann.reply(71)["ok"] == {"room": "b"} and ann.reply(72)["ok"]["room"]["id"] == "b", "moved")
        expect(bob.event("participantLeft")["reason"] == "left", "gone from a")
        bob.request("chat", text="into a")
        join(doctor)
        doctor.request("chat", text="into b")
        expect(ann.event("chat")["text"] == "into b", "hears b only")


def test_lost_sockets(program):
    with Server(program) as server:
        doctor, patient = lobby(server, "doc", "doctor"), lobby(server, "pat")
        keys = [{"session": c.welcome["session"], "key": c.welcome["resumeKey"]} for c in (doctor, patient)]
        call = doctor.request("invite", to=["pat"])
        patient.event("incomingCall")
        patient.drop()
        until(lambda: not doctor.request("checkUser", identity="pat")["online"], "still online")
        patient = server.client(resume=keys[1])
        sync = patient.event("callSync")
        expect([c["call"] for c in sync["incoming"]] == [call["call"]] and sync["outgoing"] == [], sync)
        doctor.drop()
        patient.request("accept", call=call["call"])
        expect(patient.event("callEnded")["reason"] == "answered", "answered")
        doctor = server.client(resume=keys[0])
        expect(doctor.welcome["room"] == call["room"], doctor.welcome)
        ended = doctor.event("callEnded")
        expect(ended["reason"] == "answered" and ended["to"] == [{"identity": "pat", "state": "accepted"}], ended)
        expect(doctor.event("callSync") == {"event": "callSync", "incoming": [], "outgoing": []}, "sync")
        join(doctor)
        second, _ = join(patient)
        expect(len(second["room"]["participants"]) == 2, second)
        doctor.request("invite", to=["kim"])
        doctor.drop()
        doctor = server.client(resume=keys[0])
        expect([t["state"] for t in doctor.event("callSync")["outgoing"][0]["to"]] == ["unreachable"], "rings on")


def test_gateway_crash(program):
    """What rang is forgotten, and both sides learn it; sessions, their rooms and their rights are not."""
    with Server(program) as server:
        doctor, patient = lobby(server, "doc", "doctor"), lobby(server, "pat")
        idle_token = server.token("idle", "patient", room="", more="&lobby")
        server.client(token=idle_token)
        call = doctor.request("invite", to=["pat"])
        patient.request("accept", call=patient.event("incomingCall")["call"])
        join(doctor)
        join(patient)
        doctor.request("invite", to=["kim"])
        keys = [{"session": c.welcome["session"], "key": c.welcome["resumeKey"]} for c in (doctor, patient)]
        crash(server, "gateway")
        expect(server.client().error("hello", version=1, token=idle_token) == "token_used", "a token of the lobby works once, too")
        doctor, patient = [server.client(resume=key) for key in keys]
        expect(doctor.welcome["room"] == patient.welcome["room"] == call["room"], doctor.welcome)
        expect(doctor.event("callSync") == {"event": "callSync", "incoming": [], "outgoing": []}, "nothing rings")
        expect(doctor.request("checkUser", identity="pat") == {"online": True, "busy": True}, "in the call")
        expect(patient.error("invite", to=["doc"]) == "forbidden", "in a call")
        patient.request("leave")
        fresh = patient.request("invite", to=["lee"])  # the right to call, and the lobby as home, are known again
        expect(fresh["room"] != call["room"], fresh)


def test_worker_crash_keeps_the_lobby(program):
    with Server(program, workers=1) as server:
        doctor, patient = lobby(server, "doc", "doctor"), lobby(server, "pat")
        call = doctor.request("invite", to=["pat"])
        patient.event("incomingCall")
        crash(server, "worker 0")
        expect(doctor.event("mediaLost")["reason"] == "worker_lost", "it had the call's room")
        patient.request("accept", call=call["call"])
        join(doctor)
        second, _ = join(patient)
        expect(len(second["room"]["participants"]) == 2, second)
        expect("mediaLost" not in [e.get("event") for e in patient.events], "the lobby has no media to lose")


def test_floods(program):
    with Server(program) as server:
        doctor, patient = lobby(server, "doc", "doctor"), lobby(server, "pat")
        for _ in range(4):
            doctor.request("invite", to=["kim"])
        expect(doctor.error("invite", to=["kim"]) == "busy", "four at once")
        expect(patient.error("invite", to=["pat"]) == "bad_request" and patient.error("invite", to=[]) == "bad_request", "to whom?")
        codes = []
        while len(codes) < 30 and "rate_limited" not in codes:
            reply = patient.ask("invite", to=["doc"])
            codes.append(reply["error"]["code"] if "error" in reply else "ok")
            if "ok" in reply:
                patient.ask("cancel", call=reply["ok"]["call"])
        expect(codes == ["ok"] * 20 + ["rate_limited"] or "rate_limited" in codes[5:], codes)
        expect(server.get("/healthz")[0] == 200, "health")


def test_draining(program):
    with Server(program, "--set", "limits.drain_seconds=60") as server:
        inside = server.client("ann")
        join(inside)
        doctor = lobby(server, "doc", "doctor")
        server.process.send_signal(signal.SIGTERM)
        doctor.event("draining")
        expect(doctor.error("invite", to=["ann"]) == "draining", "no new rooms")
        inside.request("close")
        expect(doctor.wait_closed() == 1001, "an open page in the lobby keeps no server alive")


if __name__ == "__main__":
    main(test_a_doctor_calls_a_patient, test_declined_cancelled_timed_out, test_a_consultation_grows, test_a_room_is_left_for_a_call,
         test_lost_sockets, test_gateway_crash, test_worker_crash_keeps_the_lobby, test_floods, test_draining)
