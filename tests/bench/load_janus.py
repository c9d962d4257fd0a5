#!/usr/bin/env python3
"""consilium-load --target janus: starts Debian's Janus, and everybody in its rooms gets everything. Skipped (77) without the package.

Usage: load_janus.py CONSILIUM CONSILIUM-LOAD
"""
import glob
import shutil
import sys

from load_common import Load, expect, value

COUNTS = ["--accept-invalid", "--assert", "failed=0", "--assert", "starved=0", "--assert", "loss<20%"]


def main(_, consilium_load):
    if not shutil.which("janus"):
        print("Debian's package janus is not installed")
        sys.exit(77)
    folders = set(glob.glob("/tmp/consilium-janus-*"))
    with Load(consilium_load) as load:
        report = load.run("consult", "--rooms", 2, "--members", 3, "--duration", 2, "--target", "janus", *COUNTS)
        expect(value(report, "participants") == 6, f"{value(report, 'participants')} people with two transports each")
        expect(value(report, "slots") == 6 * 4, f"two voices and two pictures each: {value(report, 'slots')}")
        expect([p["name"] for p in report["processes"]] == ["janus"], report["processes"])
        expect(value(report, "cpu_us_per_packet") > 0, "no cost")
        report = load.run("lecture", "--members", 5, "--duration", 1, "--target", "janus", "--suite", "cm", *COUNTS)
        expect(value(report, "slots") == 5 * 2 and value(report, "delivered") > 5 * 50, "five receivers of a voice and a picture")
        report = load.run("gallery", "--members", 5, "--duration", 1, "--target", "janus", *COUNTS)
        expect(value(report, "slots") == 5 * 4 + 3 * 2 + 2 * 3, f"{value(report, 'slots')} slots: four pictures, the first three voices")
        load.run("churn", "--target", "janus", code=2)
    expect(set(glob.glob("/tmp/consilium-janus-*")) <= folders, "a folder was left behind")


if __name__ == "__main__":
    main(*sys.argv[1:3])
