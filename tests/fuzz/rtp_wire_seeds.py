#!/usr/bin/env python3
"""Writes the committed seeds of the wire-format fuzzers into tests/fuzz/corpus, from the vectors of the unit tests.

Usage: rtp_wire_seeds.py
"""
import os

HEADER = "90 60 0001 00000002 00000003 "
L3T3 = ("c1017280081485214eafffaaaa863cf0430c10c302afc0aaa0063c00430010c002a000a80006000040001d954926e0"
        "82b04a0941b820ac1282503157f974000ca864330e222222eca8655304224230eca877530077004200ef008601df010d")
L3T3_LATER = ["86017340fc", "46017340fc", "c3017540fc", "860173", "8b0174"]
REPORT_BLOCK = "00000002 40 fffffe 00010005 00000007 89abcdef 00010000"
SEQUENCE = "08 000000 24 c4 ff67 80"


def descriptors(hexes):
    return "80" + "".join(f"{len(h) // 2:02x}{h}" for h in hexes)


SEEDS = {
    "rtp_packet": {
        "one_byte": HEADER + "bede0003 10aa 21bbbb 0000 43 dddddddd 0102",
        "two_byte": HEADER + "1000 0012 0103617564 020171 030168 040185 0502abcd 0603040000 070300a014 08010d 0903ffffff"
                             "0a03c00001 0b080000000180000000 0c0101 0d0d00000100020003000400050006 0e0100 00",
        "layers": HEADER + "1000 0007 0e18 61a8283c50648c01c801b004d80ad00f009f00590f013f00 0000",
        "padding_csrc": "b2ef1234 89abcdef deadbeef 00000001 00000002 bede0002 10aa210102000000 010203 0002",
    },
    "rtcp": {
        "sr_sdes": "81c8000c 00000001 e8f2b5a3 80000000 00000064 0000000a 000003e8 " + REPORT_BLOCK +
                   "81ca0003 00000007 0103616263000000",
        "rr_bye": "81c90007 00000001 " + REPORT_BLOCK + "81cb0003 00000001 04676f6e65000000",
        "nack_pli": "81cd0005 00000001 00000002 fffe8003 000f0000 03e80000 81ce0002 11223344 55667788",
        "fir_remb": "84ce0006 00000001 00000000 00000002 ff000000 00000003 00000000"
                    "8fce0006 00000001 00000000 52454d42 020bd090 00000007 00000008",
        "xr_app": "80cf0009 00000001 04000002 e8f2b5a380000000 63000000 05000003 00000002 00000003 00000004"
                  "80cc0002 00000001 6e616d65",
    },
    "twcc": {
        "chromium": "afcd0005 fa17fa17 43032fa0 00990001 3de80217 20019401",
        "vectors": "8fcd0006 00000001 00000002 00010005 00000100 d840 04 7fff 00 0000",
        "one_bit": "8fcd0006 00000001 00000002 0001000e 00000100 a001 04 05 00000000",
        "large_run": "8fcd0006 00000001 00000002 00010002 00000100 4002 ffff 0001 0000",
        "write": "10 0085 0086 4083 8084 0085 c086 0001 00ff 0090 0081 0081 0081 0081 4081 0081 0081",
    },
    "vp8": {
        "key": "00 90 f0 9234 55 67 5000009d012a80426801ff",
        "inter": "01 b0 80 11 51",
        "plain": "00 10 00",
    },
    "vp9": {
        "key_structure": "00 aa 9234 00 55 58 014000b4028001680500 02d0 02 0401 2401 ff",
        "upper_layer": "01 ad 05 53 07 ff",
        "flexible": "00 f8 8001 00 03 05 06 ff",
    },
    "h264": {
        "stap_sps": "00 78 000a 6742c00bda0c0d040000 0002 68ce",
        "fragment": "00 7c 85 88",
        "sps_high": "00 67 640028 acb403c0113f2e0220000003002000000781e30654",
        "slice": "01 01 9a",
    },
    "av1": {
        "key": "00 68 09 " + SEQUENCE + " 30aabb",
        "layers": "01 10 34 50 aa",
        "descriptors": descriptors([L3T3] + L3T3_LATER),
    },
    "opus_red": {
        "two_older": "ef1e0000 ef0f0003 6f 010203 0405",
        "primary": "6f 78 0102",
    },
}


def main():
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
    for target, seeds in SEEDS.items():
        os.makedirs(os.path.join(top, target), exist_ok=True)
        for name, text in seeds.items():
            with open(os.path.join(top, target, name), "wb") as f:
                f.write(bytes.fromhex(text))


if __name__ == "__main__":
    main()
