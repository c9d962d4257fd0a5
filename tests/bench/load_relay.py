#!/usr/bin/env python3
"""A deliberately slow and lossy relay between generator and server: the report must say how slow and how lossy.

From the server to the receivers every 50th RTP packet is dropped and all others are held back by 40 ms. What is dropped never comes:
sound goes again as it is on lossy paths, and those copies are dropped as well.
Usage: load_relay.py CONSILIUM CONSILIUM-LOAD
"""
import heapq
import selectors
import socket
import sys
import tempfile
import threading
import time

from load_common import Load, expect, started, value

DELAY_S = 0.040
DROP_EVERY = 50


class Relay(threading.Thread):
    """One socket towards the clients, one towards the server for each of them."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.front.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.port = self.front.getsockname()[1]
        self.backs, self.held, self.seen, self.dropped = {}, [], 0, 0
        self.met, self.lost = set(), set()
        self.running = True
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.front, selectors.EVENT_READ, None)

    def back(self, client):
        if client not in self.backs:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.connect(self.server)
            self.backs[client] = s
            self.selector.register(s, selectors.EVENT_READ, client)
        return self.backs[client]

    def from_server(self, data, client):
        if 128 <= data[0] <= 191 and not 192 <= data[1] <= 223:  # RTP, RFC 7983 and RFC 5761
            packet = (client, data[2:4], data[8:12])  # sequence number and SSRC, RFC 3550 §5.1
            if packet not in self.met:
                self.met.add(packet)
                self.seen += 1
                if self.seen % DROP_EVERY == 0:
                    self.lost.add(packet)
                    self.dropped += 1
            if packet in self.lost:
                return
        heapq.heappush(self.held, (time.monotonic() + DELAY_S, self.seen, client, data))

    def run(self):
        while self.running:
            wait = max(0, self.held[0][0] - time.monotonic()) if self.held else 0.1
            for key, _ in self.selector.select(wait):
                if key.data is None:
                    data, client = self.front.recvfrom(2048)
                    self.back(client).send(data)
                else:
                    try:
                        self.from_server(key.fileobj.recv(2048), key.data)
                    except ConnectionRefusedError:
                        pass
            while self.held and self.held[0][0] <= time.monotonic():
                _, _, client, data = heapq.heappop(self.held)
                self.front.sendto(data, client)


def main(consilium, consilium_load):
    with tempfile.TemporaryDirectory() as folder, Load(consilium_load) as load, started(consilium, folder) as server:
        relay = Relay(("127.0.0.1", server.media))
        relay.start()
        report = load.run("consult", "--rooms", 1, "--members", 2, "--duration", 6, "--video-bps", "300k", "--url",
                          f"http://127.0.0.1:{server.http}", "--media", f"127.0.0.1:{relay.port}", "--accept-invalid")
        relay.running = False
    expect(relay.dropped > 10, f"only {relay.seen} packets went through the relay")
    loss, missing = value(report, "loss"), value(report, "missing")
    expect(1.5 < loss < 2.6, f"a loss of 2 % is reported as {loss} %")
    expect(missing < loss, f"nothing was repaired: {missing} % of {loss} %")
    expect(value(report, "nacks_sent") > 0 and value(report, "rtx_received") > 0, "no repair")
    expect(value(report, "latency_p50") >= DELAY_S * 1e6, f"40 ms are reported as {value(report, 'latency_p50')} us")
    expect(value(report, "latency_p50") < 3 * DELAY_S * 1e6, f"40 ms are reported as {value(report, 'latency_p50')} us")


if __name__ == "__main__":
    main(*sys.argv[1:3])
