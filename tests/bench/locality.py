#!/usr/bin/env python3
"""Cache lines and pages that forwarding touches when nothing is in the caches, counted by callgrind: a number that does not drift.

Before each batch the simulated caches are washed, so each line (or, with lines of 4096 bytes, each page) is one miss, counted where it
is touched first. `frame`: six packets of a frame to seven receivers, for each of them, the way in included. `wake`: one packet to
three receivers, all that the worker does for it from the datagram to the flush, as in a consultation. The cipher's own (its code, keys,
and the payload that it reads and writes) is taken off; 10 % more than bench/instructions.json fails.
Usage: locality.py BUILD [--write] [--pages] [--top N]     --top: the functions that touch most, of the wake
"""
import argparse
import json
import pathlib
import re
import subprocess
import tempfile

BASELINE = pathlib.Path(__file__).resolve().parents[2] / "bench/instructions.json"
ALLOWED = 1.10  # addresses differ from run to run: 3 % either way
BATCHES = {6: 10, 1: 60}  # packets a batch: batches that `forward_path cold` does of them
CIPHER = re.compile(r"libIPSec_MB|libcrypto")
ROW = re.compile(r"\s*([\d,]+|\.) (?:\( ?[\d.]+%\))?\s+([\d,]+|\.) (?:\( ?[\d.]+%\))?\s+([\d,]+|\.) (?:\( ?[\d.]+%\))?\s+(\S.*)")


def touched(build, receivers, batch, line):
    """[(function, lines of code, of data)] a batch."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "callgrind.out"
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={file}", "--toggle-collect=measured_batch",
                               "--cache-sim=yes", *(f"--{cache}={8 * line},8,{line}" for cache in ("I1", "D1")),
                               f"--LL={4 << 20},16,{line}", build / "tests/bench/forward_path", "cold", str(receivers), str(batch)],
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        listed = subprocess.run(["callgrind_annotate", "--show=ILmr,DLmr,DLmw", "--sort=DLmr", "--threshold=100", "--auto=no", file],
                                capture_output=True, text=True, timeout=60, check=True).stdout
    number = lambda text: int(text.replace(",", "")) if text != "." else 0  # noqa: E731
    rows = [ROW.match(text) for text in listed.splitlines()]
    return [(row[4], number(row[1]) / BATCHES[batch], (number(row[2]) + number(row[3])) / BATCHES[batch])
            for row in rows if row and "PROGRAM TOTALS" not in row[4]]


def own(rows):
    kept = [row for row in rows if not CIPHER.search(row[0])]
    assert kept and len(kept) < len(rows), "the cipher's library was not found: has it another name now?"
    return sum(code for _, code, _ in kept), sum(data for _, _, data in kept)


def count(build, line):
    _, frame = own(touched(build, 7, 6, line))
    wake = touched(build, 3, 1, line)
    code, data = own(wake)
    return {"frame": round(frame / 7, 1), "wake_code": round(code, 1), "wake_data": round(data, 1)}, wake


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--write", action="store_true")
    p.add_argument("--pages", action="store_true")
    p.add_argument("--top", type=int, default=0)
    o = p.parse_args()
    figures, wake = count(o.build, 4096 if o.pages else 64)
    for name, code, data in sorted(wake, key=lambda row: -row[1] - row[2])[:o.top]:
        print(f"{code:6.1f} {data:6.1f}  {name}")
    if o.pages:
        print("pages:", figures)
        return
    baseline = json.loads(BASELINE.read_text())
    if o.write:
        baseline["lines"] = figures
        BASELINE.write_text(json.dumps(baseline, indent=1) + "\n")
    print({name: f"{figures[name]} lines (baseline {baseline['lines'][name]})" for name in figures})
    worse = [name for name in figures if figures[name] > baseline["lines"][name] * ALLOWED]
    assert not worse, f"{', '.join(worse)}: over 10 % more cache lines; see where with --top"


if __name__ == "__main__":
    main()
