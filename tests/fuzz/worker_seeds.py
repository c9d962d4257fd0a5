#!/usr/bin/env python3
"""Writes the committed seeds of worker_fuzz into tests/fuzz/corpus/worker: scripts of its operations (see run() there).

Usage: worker_seeds.py
"""
import os

KEY = "90c0800101 10 0000 9d012a 4001b400 55555555"
DELTA = "90c0800202 11 0000 5555"
PT = {"opus": 0, "vp8": 1, "rtx": 2, "h264": 3, "red": 5}
MID = {"": 0, "0": 1, "1": 2, "2": 3, "3": 4, "9": 5}
RID = {"": 0, "q": 1, "h": 2, "f": 3, "x": 4}


def wait(ms):
    return bytes([0, ms // 5])


def rtp(ssrc, pt, payload, mid="", rid="", repaired="", step=1, padding=False, twcc=True):
    body = bytes.fromhex(payload)
    body += b"U" * (len(body) % 2)
    return bytes([7, ssrc | PT[pt] << 4, MID[mid] | 0x40 | (0x80 if padding else 0),
                  RID[rid] | RID[repaired] << 3 | (0x80 if twcc else 0), step & 255, 33, len(body) // 2]) + body


def raw(op, text):
    body = bytes.fromhex(text)
    body += b"\0" * (len(body) % 2)
    return bytes([op, len(body) // 2]) + body


def feedback(kind, slot, *more):
    return bytes([4, kind | slot << 2, *more])


def request(what):
    return bytes([5, what])


def offer(viewer, change):
    return bytes([6, viewer, change])


LAYERS = [(1, "q"), (2, "h"), (3, "f")]
FILM = b"".join(rtp(s, "vp8", KEY, "1", r) for s, r in LAYERS) + b"".join(
    rtp(s, "vp8", DELTA) + wait(35) for s, _ in LAYERS for _ in range(3))

SEEDS = {
    "layers_and_views": FILM + request(0x80 | 3 + 2 * 8) + FILM + request(0x03) + FILM + request(0x80 | 15 * 8 + 3) + FILM,
    "repairs": FILM + feedback(0, 5, 3, 0, 1, 0, 2, 0, 3) + rtp(4, "rtx", "0003" + KEY, "1", "", "q") + wait(500) +
               feedback(1, 5) + feedback(2, 5, 64, 7) + wait(1000),
    "new_ssrcs": b"".join(rtp(1 + i % 9, "vp8", KEY, "1", "q", step=40) for i in range(20)) + wait(1200) + FILM,
    "mutes": FILM + request(0x82) + FILM + request(0x02) + FILM + request(1) + FILM + request(0) + FILM,
    "offers": FILM + offer(0, 0x81 | 3 << 3) + FILM + offer(0, 0x00) + FILM + offer(0, 0xa1) + FILM +
              offer(1, 0xc5) + offer(1, 0x85) + offer(1, 0) + FILM,
    "audio": rtp(0, "opus", "78" + "01" * 9, "0") + rtp(0, "red", "ef0f0003 6f 010203 78 0405 06", "0") +
             rtp(0, "opus", "", "0", padding=True) + wait(250),
    "raw": raw(1, "80600001000000010000000578") + raw(1, "a06f000200000002000000059999ff") +
           raw(2, "80c80006000000010000000000000000000000000000000000000000") + raw(3, "8fcd00050000000100000001000100020000000020020404") +
           raw(3, "81cd0003000000010000000100010000") + raw(2, "81cb000100000001"),
}


def main():
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", "worker")
    os.makedirs(top, exist_ok=True)
    for name, script in SEEDS.items():
        with open(os.path.join(top, name), "wb") as f:
            f.write(script)


if __name__ == "__main__":
    main()
