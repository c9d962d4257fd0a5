#!/usr/bin/env python3
"""Makes the stimuli of the estimator's golden traces: what was sent, and the feedback that came back, byte for byte.

    make.py            writes each situation's FILE.trace beside this script
    make.py --check    exits 1 when a committed one is not what this script makes

Lines, times in microseconds since the line before:
    h FROM TO LEAST MOST   between these seconds the estimate must be within these kbit/s (a claim, not a recording)
    w NEXT MOST            what is wanted, bit/s         p   a probe cluster is asked for, and its packets follow     e   its end
    s AFTER BYTES...       packets sent at one instant, sizes on the wire
    f AFTER HEX            a feedback message arrives

The messages are written after draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1 by code that shares nothing with rtp/.
What the estimator makes of them is in expected.txt; see tests/rtp/estimator_trace_test.c for how, and when, that is written anew.
"""
import os
import struct
import sys

FRAME_US, AUDIO_US, FEEDBACK_US = 33333, 20000, 100000
PACKET, AUDIO, AUDIO_BPS = 1200, 120, 48000
CLUSTERS = [(2000, 900000, 15000), (2001, 1800000, 25000)]  # instant, bit/s, how long: three and six times the first guess
HERE = os.path.dirname(os.path.abspath(__file__))


class Random:
    """The same on every machine and in every version: a 64-bit linear congruential generator."""

    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 11) / 2**53


def at(steps, us):
    """The value of a list of (second, value) at an instant; before (second, value, "ramp") it is on the way there."""
    value = steps[0][1]
    for step, after in zip(steps, steps[1:] + [None]):
        if us < step[0] * 1e6:
            break
        value = step[1]
        if after and "ramp" in after and us < after[0] * 1e6:
            value += (after[1] - value) * (us / 1e6 - step[0]) / (after[0] - step[0])
    return value


def chunks(symbols):
    """§3.1.3 and §3.1.4: run lengths where they are long, else vectors of fourteen bits or of seven symbols."""
    out, i = [], 0
    while i < len(symbols):
        run = 1
        while i + run < len(symbols) and symbols[i + run] == symbols[i] and run < 8191:
            run += 1
        part = symbols[i:i + 14]
        if run >= 7 or i + run == len(symbols):
            out.append(symbols[i] << 13 | run)
            i += run
        elif max(part) <= 1:
            out.append(0x8000 | sum(s << (13 - k) for k, s in enumerate(part)))
            i += len(part)
        else:
            part = symbols[i:i + 7]
            out.append(0xc000 | sum(s << (12 - 2 * k) for k, s in enumerate(part)))
            i += len(part)
    return out


def message(base, arrivals, count):
    """One feedback message about sequence numbers from `base`; `arrivals` maps those that came to the receiver's clock."""
    last = max(arrivals)
    first = arrivals[min(arrivals)]
    reference = first // 64000
    ticks, symbols, deltas = reference * 256, [], b""
    for seq in range(base, last + 1):
        if seq not in arrivals:
            symbols.append(0)
            continue
        delta = arrivals[seq] // 250 - ticks
        ticks += delta
        symbols.append(1 if 0 <= delta <= 255 else 2)
        deltas += struct.pack("B", delta) if 0 <= delta <= 255 else struct.pack(">h", delta)
    body = struct.pack(">IIHHI", 1, 2, base & 0xffff, len(symbols), (reference & 0xffffff) << 8 | count & 0xff)
    body += b"".join(struct.pack(">H", c) for c in chunks(symbols)) + deltas
    padding = -len(body) % 4
    body += bytes(padding - 1) + bytes([padding]) if padding else b""
    return struct.pack(">BBH", 0xaf if padding else 0x8f, 205, len(body) // 4) + body


class Path:
    """A bottleneck with a queue, a delay each way, losses; a receiver with a clock of its own."""

    def __init__(self, c):
        self.c, self.random, self.lines = c, Random(c["seed"]), []
        self.free = self.last = 0.0
        self.seq, self.on_the_way = 0, {}
        self.stood_until, self.stands_next = 0.0, 1e6
        self.base, self.count, self.written = 0, 0, 0

    def line(self, us, text):
        self.lines.append((us, len(self.lines), text))

    def send(self, us, sizes):
        self.line(us, ("s", " ".join(str(b) for b in sizes)))
        for size in sizes:
            self.carry(us, size)
            self.seq += 1

    def carry(self, us, size):
        c = self.c
        rate = at(c["link"], us)
        wait = max(self.free - us, 0)
        if rate == 0 or wait > c.get("queue_us", 400000):
            return
        self.free = us + wait + size * 8e6 / rate
        if self.random.uniform() < c.get("loss", 0):
            return
        arrival = self.free + c["rtt_us"] / 2
        if c.get("stalls_us"):  # Wi-Fi: now and then nothing for a while, then all at once
            while arrival >= self.stands_next:
                self.stood_until = self.stands_next + self.random.uniform() * c["stalls_us"]
                self.stands_next += 500000 + self.random.uniform() * 1e6
            arrival = max(arrival, self.stood_until)
        arrival += self.random.uniform() * c.get("jitter_us", 0)
        if not c.get("reorders"):
            arrival = max(arrival, self.last + 1)
        self.last = max(self.last, arrival)
        self.on_the_way[self.seq] = arrival

    def report(self, us):
        """The receiver's message of this instant."""
        c = self.c
        here = {s: a for s, a in self.on_the_way.items() if a <= us}
        if not here:
            return
        for s in here:
            del self.on_the_way[s]
        clock = {s: int(c.get("clock_us", 5000000) + a * (1 + c.get("drift", 0))) for s, a in here.items()}
        base = min(self.base, min(here))
        packet = message(base, clock, self.count)
        self.base, self.count = max(self.base, max(here) + 1), self.count + 1
        back = us + c["rtt_us"] / 2
        if at(c["link"], back) == 0 or self.random.uniform() < c.get("feedback_loss", 0):
            return
        self.line(int(back), ("f", packet.hex()))

    def cluster(self, us, bps, us_long):
        self.line(us, ("p",))
        sent = 0
        while sent < bps * us_long / 8e6 or sent < 5 * 400:
            self.send(us, [400])
            sent += 400
            us += int(400 * 8e6 / bps)
        self.line(us, ("e",))
        return us

    def run(self):
        c, due = self.c, {"frame": 1000, "audio": 3000, "feedback": FEEDBACK_US}
        end, credit = int(c["seconds"] * 1e6), 0.0
        pending = [] if c.get("no_clusters") else list(CLUSTERS)
        if pending:
            due["cluster"] = pending[0][0]
            self.line(0, ("w", "1800000 2500000"))
        while True:
            what = min(due, key=lambda k: (due[k], k))
            us = due[what]
            if us >= end:
                break
            if what == "frame":
                due[what] += FRAME_US
                credit += max(at(c["sent"], us) - AUDIO_BPS, 0) * FRAME_US / 8e6
                left = int(credit)
                if left >= 200:
                    credit -= left
                    self.send(us, [PACKET] * (left // PACKET) + ([left % PACKET] if left % PACKET else []))
            elif what == "audio":
                due[what] += AUDIO_US
                self.send(us, [AUDIO])
            elif what == "feedback":
                due[what] += FEEDBACK_US
                self.report(us)
            else:
                _, bps, us_long = pending.pop(0)
                after = self.cluster(us, bps, us_long)
                due["cluster"] = max(pending[0][0], after) if pending else end
                for other in ("frame", "audio"):
                    due[other] = max(due[other], after)
        return self.text()

    def text(self):
        out, before = [f"# {self.c['name']}. Made by make.py; not for editing."], 0
        out += ["h " + " ".join(f"{x:g}" for x in h) for h in self.c["holds"]]
        for us, _, parts in sorted(self.lines):
            if parts[0] in "sf":
                out.append(f"{parts[0]} {int(us) - before} {parts[1]}")
                before = int(us)
            else:
                out.append(" ".join(parts))
        return "\n".join(out) + "\n"


M = 1e6
SITUATIONS = {
    "steady": {
        "name": "600 kbit/s on a link of 2 Mbit/s: nothing to learn, nothing to fear", "seed": 1, "seconds": 12, "no_clusters": True,
        "link": [(0, 2 * M)], "sent": [(0, 0.6 * M)], "rtt_us": 50000,
        "holds": [(0, 1, 290, 700), (2, 12, 290, 1000)]},
    "start": {
        "name": "the two first clusters meet a link of 1.5 Mbit/s", "seed": 2, "seconds": 8,
        "link": [(0, 1.5 * M)], "sent": [(0, 0.3 * M), (0.2, 1.2 * M)], "rtt_us": 50000,
        "holds": [(0.5, 8, 1200, 2000)]},
    "ramp": {
        "name": "from 0.3 up to 1.2 Mbit/s on a link of 1 Mbit/s, back to 0.8", "seed": 3, "seconds": 18,
        "link": [(0, 1 * M)], "sent": [(0, 0.3 * M), (9, 1.2 * M, "ramp"), (9.2, 0.8 * M)], "rtt_us": 80000,
        "holds": [(1, 7, 700, 1500), (9, 13, 650, 1050), (13, 18, 650, 1300)]},
    "drop": {
        "name": "3 to 0.5 to 3 Mbit/s while 1.4 are sent, then 0.35", "seed": 4, "seconds": 16,
        "link": [(0, 3 * M), (6, 0.5 * M), (11, 3 * M)], "sent": [(0, 1.4 * M), (7, 0.35 * M)], "rtt_us": 50000,
        "holds": [(7, 11, 250, 650), (11, 16, 350, 1000)]},
    "loss": {
        "name": "10 % lost at random while 0.9 Mbit/s are sent on 3", "seed": 5, "seconds": 16,
        "link": [(0, 3 * M)], "sent": [(0, 0.9 * M)], "rtt_us": 100000, "loss": 0.1,
        "holds": [(1, 16, 700, 1700)]},
    "policer": {
        "name": "all above 0.8 Mbit/s is dropped while 0.5 to 1.2 are sent", "seed": 6, "seconds": 16,
        "link": [(0, 0.8 * M)], "queue_us": 30000, "sent": [(0, 0.7 * M), (8, 1.3 * M, "ramp"), (10, 0.75 * M)],
        "rtt_us": 60000, "holds": [(1, 16, 550, 1000)]},
    "wifi": {
        "name": "stops of up to 120 ms about once a second on 20 Mbit/s", "seed": 7, "seconds": 16,
        "link": [(0, 20 * M)], "sent": [(0, 1.8 * M)], "rtt_us": 20000, "stalls_us": 120000, "jitter_us": 3000,
        "holds": [(4, 16, 1500, 3000)]},
    "blackout": {
        "name": "no link for three seconds", "seed": 8, "seconds": 14,
        "link": [(0, 3 * M), (5, 0), (8, 3 * M)], "sent": [(0, 1.6 * M), (5.8, 0.05 * M), (8.5, 1.6 * M)],
        "rtt_us": 50000, "holds": [(4, 14, 1200, 2600)]},
    "clocks": {
        "name": "a clock 200 ppm fast whose reference time passes 2^23, reordering, a fifth of the messages lost", "seed": 9,
        "seconds": 14, "link": [(0, 2 * M)], "sent": [(0, 1.2 * M)], "rtt_us": 60000, "drift": 200e-6, "reorders": True,
        "jitter_us": 8000, "feedback_loss": 0.2, "clock_us": 2**23 * 64000 - 5 * 1000000,
        "holds": [(4, 14, 1000, 2000)]},
}


def main():
    wrong = 0
    for name, situation in SITUATIONS.items():
        path = os.path.join(HERE, name + ".trace")
        text = Path(situation).run()
        if "--check" not in sys.argv:
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
            continue
        with open(path, encoding="ascii") as f:
            if f.read() != text:
                print(f"{path} is not what make.py makes")
                wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main())
