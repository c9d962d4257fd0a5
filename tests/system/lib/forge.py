"""Plays the attacker on the path: copies datagrams of a call from the loopback interface and sends them again, as they were
and changed, with the victim's own source address and port; and what else such a one would try. Needs root.

Usage: forge.py SOURCE_ADDRESS SOURCE_PORT SERVER_ADDRESS SERVER_PORT COPIES     prints {"replayed":…, "tampered":…}
"""
import json
import os
import socket
import struct
import sys

SECONDS = 10


def copies_of_media(source, server, count):
    """The first `count` SRTP datagrams from `source` to `server`."""
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.ntohs(0x0800))
    sniffer.bind(("lo", 0x0800))
    sniffer.settimeout(SECONDS)
    found = []
    while len(found) < count:
        packet, where = sniffer.recvfrom(65536)
        if where[2] == socket.PACKET_OUTGOING:
            continue  # the loopback interface shows each one twice
        length = (packet[0] & 15) * 4
        ports = struct.unpack_from("!HH", packet, length)
        payload = packet[length + 8:]
        if packet[9] != socket.IPPROTO_UDP or ports != (source[1], server[1]) or socket.inet_ntoa(packet[12:16]) != source[0]:
            continue
        if 128 <= payload[0] < 192 and not 192 <= payload[1] < 224:
            found.append(payload)
    return found


def main():
    source, server, count = (sys.argv[1], int(sys.argv[2])), (sys.argv[3], int(sys.argv[4])), int(sys.argv[5])
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def send(payload):
        udp = struct.pack("!HHHH", source[1], server[1], 8 + len(payload), 0)  # 0: no checksum
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_UDP, 0, socket.inet_aton(source[0]), socket.inet_aton(server[0]))
        raw.sendto(ip + udp + payload, (server[0], 0))

    media = copies_of_media(source, server, count)
    tampered = 0
    for packet in media:
        send(packet)
        sequence = struct.unpack_from("!H", packet, 2)[0]
        ahead = struct.pack("!H", (sequence + 500) & 0xffff)
        for forged in (packet[:2] + ahead + packet[4:],                  # a number that is yet to come
                       packet[:1] + b"\xff" + packet[2:4 - 2] + ahead + packet[4:],
                       packet[:20] + bytes([packet[20] ^ 1]) + packet[21:],
                       packet[:2] + ahead + packet[4:-1] + bytes([packet[-1] ^ 1]),
                       packet[:2] + ahead + packet[4:8] + os.urandom(4) + packet[12:],  # another SSRC
                       packet[:12]):
            send(forged)
            tampered += 1
    # An alert that nobody signed, fatal and as a close; a new handshake; STUN without a signature that would move the call.
    for body in (b"\x02\x28", b"\x01\x00"):
        send(b"\x15\xfe\xfd" + bytes(8) + struct.pack("!H", 2) + body)
    send(b"\x16\xfe\xfd" + bytes(8) + struct.pack("!H", 30) + b"\x01" + os.urandom(29))
    send(struct.pack("!HHI", 1, 4, 0x2112a442) + os.urandom(12) + struct.pack("!HH", 0x25, 0))
    print(json.dumps({"replayed": len(media), "tampered": tampered}))


main()
