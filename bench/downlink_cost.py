#!/usr/bin/env python3
"""Instructions that congestion control takes per forwarded packet, counted by callgrind, against those of the whole forwarding path
(bench/instructions.json).

Usage: downlink_cost.py BUILD [--assert PERCENT]
"""
import json
import pathlib
import re
import subprocess
import sys

BASELINE = pathlib.Path(__file__).resolve().parent / "instructions.json"


def count(program, *arguments):
    """(instructions, packets forwarded) of one run."""
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, *arguments],
                         capture_output=True, text=True, check=True)
    return (int(re.search(r"Collected : (\d+)", run.stderr)[1]), int(re.match(r"(\d+) forwarded", run.stdout)[1]))


def per_packet(program, mode, loss):
    """Without what the start costs: the ten seconds after the first five."""
    early, fewer = count(program, mode, "5", "10", loss)
    late, more = count(program, mode, "15", "10", loss)
    return (late - early) / (more - fewer)


def main():
    program = str(pathlib.Path(sys.argv[1]) / "bench/rtp_downlink")
    path = json.loads(BASELINE.read_text())["path"]
    worst = 0
    for loss in ("0", "50", "10"):
        each = per_packet(program, "with", loss) - per_packet(program, "without", loss)
        share = 100 * each / (path + each)
        name = "no loss" if loss == "0" else f"{100 // int(loss)} % lost"
        print(f"{name}: {each:.0f} instructions per forwarded packet, {share:.1f} % of {path + each:.0f}")
        worst = max(worst, share) if loss == "0" else worst
    if "--assert" in sys.argv and worst > float(sys.argv[sys.argv.index("--assert") + 1]):
        sys.exit(f"congestion control takes {worst:.1f} % of the forwarding path")


if __name__ == "__main__":
    main()
