#!/usr/bin/env python3
"""Instructions per forwarded packet, counted by callgrind: 5 % more than bench/instructions.json fails.

A number that does not drift with the machine's mood. `rtp` is rtp/'s part alone (bench/rtp_forward.c), `path` the worker's whole
way from a received datagram to sendmmsg (tests/bench/forward_path.c), the cipher taken off.
Usage: instructions.py BUILD [--write]      --write commits what is measured as the new baseline
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

BASELINE = pathlib.Path(__file__).resolve().parents[2] / "bench/instructions.json"
ALLOWED = 1.05
# The back-ends' functions (ice/srtp_backend_*.c) with everything below them.
CIPHER = re.compile(r"ice/srtp_backend_\w+\.c:(seal|open_packet|seal_later|finish|seal_cm_batch)\b")


def count(function, *command):
    """Instructions below `function`, those of the cipher, and what the program printed."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "callgrind.out"
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={file}", f"--toggle-collect={function}",
                               *map(str, command)], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        listed = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--auto=no", file], capture_output=True,
                                text=True, timeout=60, check=True).stdout
    total, cipher = 0, {}
    for line in listed.splitlines():
        found = re.match(r"\s*([\d,]+) \(\s*[\d.]+%\)\s+(.+)", line)
        if not found:
            continue
        instructions = int(found[1].replace(",", ""))
        if "PROGRAM TOTALS" in found[2]:
            total = instructions
        elif CIPHER.search(found[2]):
            cipher[CIPHER.search(found[2])[1]] = instructions
    assert total > 0, listed
    return total, sum(cipher.values()), done.stdout


def forwarded(printed):
    return int(re.search(r"(\d+) packets forwarded", printed)[1])


def main(build, *flags):
    build = pathlib.Path(build)
    total, _, printed = count("forward_to_all", build / "bench/rtp_forward", 500, 50)
    figures = {"rtp": round(total / forwarded(printed), 1)}
    total, cipher, printed = count("measured", build / "tests/bench/forward_path")
    assert 0 < cipher < total, f"{cipher} of {total}: the cipher's functions were not found: have they other names now?"
    figures["path"] = round((total - cipher) / forwarded(printed), 1)
    baseline = json.loads(BASELINE.read_text())
    if "--write" in flags:
        baseline.update(figures)
        BASELINE.write_text(json.dumps(baseline, indent=1) + "\n")
    print({name: f"{figures[name]} (baseline {baseline[name]})" for name in figures})
    dearer = [name for name in figures if figures[name] > baseline[name] * ALLOWED]
    assert not dearer, f"{', '.join(dearer)}: over 5 % more instructions per packet; see where with callgrind_annotate"


if __name__ == "__main__":
    main(*sys.argv[1:])
