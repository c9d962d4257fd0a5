"""Guest links: made in a room, good once, for that room only, until they expire or are withdrawn."""
import base64
import hashlib
import hmac
import json
import time

from calls import crash
from calls_common import join
from harness import Server, expect, main

SECRET = "the secret of this test, long enough"


def claims_of(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def mint(claims, secret=SECRET):
    head, body = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    mac = hmac.new(secret.encode(), head + b"." + body, hashlib.sha256).digest()
    return (head + b"." + body + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def start(program, *more):
    return Server(program, "--set", f"tokens.secret={SECRET}", *more)


def doctor_in(server, name="doc", room="visit"):
    doctor = server.client(name, room=room)
    join(doctor)
    return doctor


def link(doctor, role="interpreter", **more):
    made = doctor.request("createGuestLink", role=role, **more)
    expect(made["url"].startswith("/#token="), made)
    return made, made["url"].split("#token=")[1]


def test_a_guest_comes(program):
    with start(program) as server:
        doctor = doctor_in(server)
        made, token = link(doctor, name="Interpreter (Polish)")
        expect(3590 < made["expiresAt"] / 1000 - time.time() <= 3600, made)
        guest = server.client(token=token)
        expect((guest.welcome["room"], guest.welcome["role"], guest.welcome["name"]) == ("visit", "interpreter", "Interpreter (Polish)"),
               guest.welcome)
        expect(guest.welcome["identity"].startswith("guest-"), guest.welcome)
        join(guest)
        expect(guest.error("invite", to=["doc"]) == "forbidden", "guests do not call")
        expect(server.client().error("hello", version=1, token=token) == "token_used", "used")
        expect(doctor.request("revokeGuestLink", link=made["link"]) == {"used": True}, "too late to withdraw")
        expect(doctor.request("revokeGuestLink", link=made["link"]) == {"used": True}, "still")


def test_patients_wait_unless_told_otherwise(program):
    with start(program) as server:
        doctor = doctor_in(server)
        for role, more, waits in (("patient", {}, True), ("patient", {"wait": False}, False), ("interpreter", {}, False),
                                  ("interpreter", {"wait": True}, True), ("observer", {}, False)):
            _, token = link(doctor, role, **more)
            expect(claims_of(token).get("wait", False) == waits, (role, more))
            guest = server.client(token=token)
            expect(("waiting" in guest.request("join")) == waits, (role, more))
            expect(guest.welcome["name"] == "Guest", guest.welcome)


def test_who_may_and_where(program):
    with start(program) as server:
        doctor = server.client("doc", room="visit")
        expect(doctor.error("createGuestLink", role="patient") == "not_joined", "not in the room yet")
        join(doctor)
        patient = server.client("pat", role="patient", room="visit")
        join(patient)
        expect(patient.error("createGuestLink", role="patient") == "forbidden", "patients do not invite")
        for fields in ({"role": "doctor"}, {"role": "admin"}, {"role": "king"}, {}, {"role": "patient", "ttl": 59},
                       {"role": "patient", "ttl": 86401}, {"role": "patient", "name": ""}):
            expect(doctor.error("createGuestLink", **fields) == "bad_request", fields)
        made, token = link(doctor, ttl=86400)  # longer than tokens.max_lifetime_seconds
        expect(claims_of(token)["room"] == "visit" and claims_of(token)["jti"] == made["link"], claims_of(token))
        server.client(token=token)


def test_revoked(program):
    with start(program) as server:
        doctor, colleague = doctor_in(server), doctor_in(server, "lee")
        (made, token), (second, token2) = link(doctor), link(doctor)
        expect(colleague.request("revokeGuestLink", link=made["link"]) == {"used": False}, "by a doctor of the same room")
        expect(doctor.request("revokeGuestLink", link=made["link"]) == {"used": False}, "again")
        expect(server.client().error("hello", version=1, token=token) == "token_used", "withdrawn")
        crash(server, "gateway")
        expect(server.client().error("hello", version=1, token=token) == "token_used", "still withdrawn after a crash")
        server.client(token=token2)  # the other one was not touched
        back = server.client(resume={"session": doctor.welcome["session"], "key": doctor.welcome["resumeKey"]})
        back.event("sync")
        expect(back.request("revokeGuestLink", link=second["link"]) == {"used": True}, "links outlive the gateway")


def test_foreign_and_invented(program):
    with start(program) as server:
        doctor, elsewhere = doctor_in(server), doctor_in(server, "lee", "ward")
        made, token = link(doctor)
        expect(elsewhere.error("revokeGuestLink", link=made["link"]) == "link_not_found", "another room's link")
        for wrong in (made["link"][:-1], made["link"] + "A", "g_1_2_3", "x", made["link"].replace("g_1", "g_2", 1)):
            expect(doctor.error("revokeGuestLink", link=wrong) == "link_not_found", wrong)
        expect(doctor.error("revokeGuestLink", link="a b") == "bad_request", "no identifier")
        server.client(token=token)  # all that has not harmed it


def test_expired_and_forged(program):
    with start(program) as server:
        doctor = doctor_in(server)
        _, token = link(doctor)
        claims = claims_of(token)
        expect(mint(claims) != "" and server.client().error("hello", version=1, token=mint({**claims, "exp": int(time.time()) - 1}))
               == "token_expired", "expired")
        expect(server.client().error("hello", version=1, token=mint({**claims, "exp": int(time.time()) + 90000})) == "token_invalid",
               "a day is the longest")
        expect(server.client().error("hello", version=1, token=mint({**claims, "room": "ward"}, "another secret, also long enough"))
               == "token_invalid", "another room")
        expect(server.client().error("hello", version=1, token=mint({**claims, "room": "~lobby"})) == "token_invalid", "reserved")
        expect(server.client().error("hello", version=1, token=token[:-2] + "AA") == "token_invalid", "signature")


def test_public_url(program):
    with start(program, "--set", "http.public_url=https://meet.clinic.example") as server:
        doctor = doctor_in(server)
        made = doctor.request("createGuestLink", role="patient")
        expect(made["url"].startswith("https://meet.clinic.example/#token=ey"), made)


if __name__ == "__main__":
    main(test_a_guest_comes, test_patients_wait_unless_told_otherwise, test_who_may_and_where, test_revoked, test_foreign_and_invented,
         test_expired_and_forged, test_public_url)
