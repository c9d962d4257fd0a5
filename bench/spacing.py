#!/usr/bin/env python3
"""How a browser spaces its video packets: listens on the loopback interface (root) and prints, per frame, how many packets
there are, how far apart they leave and how their sizes differ. consilium-load imitates what this has measured.

Usage: spacing.py UDP-PORT SECONDS     while a browser sends to the server's media port (tests/browser can drive one)
"""
import collections
import socket
import statistics
import struct
import sys
import time

ETH_P_IP = 0x0800
SO_TIMESTAMPNS = 35


def packets(port, seconds):
    """(time in ns, source port, SSRC, RTP timestamp, sequence, payload type, bytes) of RTP packets to `port`."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    s.bind(("lo", ETH_P_IP))
    s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.settimeout(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            data, control, _, address = s.recvmsg(2048, 64)
        except TimeoutError:
            continue
        if address[2] != socket.PACKET_HOST or data[9] != socket.IPPROTO_UDP:
            continue
        udp = (data[0] & 15) * 4
        source, target = struct.unpack_from("!HH", data, udp)
        rtp = udp + 8
        if target != port or len(data) < rtp + 12 or data[rtp] >> 6 != 2 or 192 <= data[rtp + 1] <= 223:
            continue
        seconds_, ns = struct.unpack("ll", control[0][2][:16])
        kind, seq, stamp, ssrc = struct.unpack_from("!xBHII", data, rtp)
        yield seconds_ * 10**9 + ns, source, ssrc, stamp, seq, kind & 127, len(data) - rtp


def percentiles(values):
    cuts = statistics.quantiles(values, n=100)
    return "  ".join(f"p{p} {cuts[p - 1]:.3f}" for p in (5, 25, 50, 75, 95, 99))


def main(port, seconds):
    frames = collections.defaultdict(list)
    for at, source, ssrc, stamp, seq, kind, size in packets(port, seconds):
        frames[source, ssrc, stamp, kind].append((at, seq, size))
    frames = [sorted(f, key=lambda p: p[1]) for f in frames.values() if len(f) > 1]
    if len(frames) < 10:
        sys.exit(f"only {len(frames)} frames of several packets: does a browser send video to port {port}?")
    gaps = [(b[0] - a[0]) / 1e6 for f in frames for a, b in zip(f, f[1:])]
    steps = collections.Counter(b[2] - a[2] for f in frames for a, b in zip(f, f[1:]))
    whole = [(f[-1][0] - f[0][0]) / 1e6 for f in frames]
    print(f"{len(frames)} frames of {statistics.mean(map(len, frames)):.1f} packets, {statistics.mean(p[2] for f in frames for p in f):.0f} bytes each")
    print("ms between packets of a frame: ", percentiles(gaps))
    print("ms from first to last packet:  ", percentiles(whole))
    print("size step to the next packet:  ", ", ".join(f"{k:+d}: {100 * v / len(gaps):.1f} %" for k, v in steps.most_common(6)))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
