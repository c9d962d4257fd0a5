#!/usr/bin/env python3
"""What estimation and feedback cost of the whole worker's instructions, counted by callgrind in a consultation of four
(tests/bench/feedback_path.c), function by function, against forwarding in the same run, with the cipher and without.

Usage: feedback_share.py BUILD [--seconds N] [--test] [--write]
--test fails above GOAL_PERCENT of forwarding (the cipher included), and 5 % above bench/instructions.json; --write: a new baseline there
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

BASELINE = pathlib.Path(__file__).resolve().parent / "instructions.json"
GOAL_PERCENT = 5
ALLOWED = 1.05
# All of the server's work lies below these.
SERVER = r"server/worker/\w+\.c:(engine_receive|engine_batch_over|engine_service_touched|engine_flush|engine_tick)$"
CIPHER = r"ice/srtp_backend_\w+\.c:(seal|open_packet|seal_cm_batch)$"
PARTS = {
    "feedback from receivers": r"rtp/(rtcp_transport\.c:rtcp_parse_transport_feedback|transport_history\.c:transport_send_history_feedback)$",
    "estimation": r"rtp/(bandwidth_estimator\.c:bandwidth_estimator_feedback|burst_rate\.c:burst_rate_feedback)$",
    "numbers and records of what is sent": r"rtp/(downlink_run\.c:downlink_run_(begin|end)|downlink\.h:\w+)$",
    "feedback to publishers": r"rtp/transport_recorder\.c:transport_feedback_(arrived|build)'(?!link_report|build)",
}
# The scripted browsers have recorders, too: theirs are told apart by who calls.
RECORDERS = ["--separate-callers2=transport_feedback_arrived", "--separate-callers2=transport_feedback_build"]
BESIDE = {
    "probes, pacing": r"rtp/downlink\.c:downlink_service$",
    "allocation": r"server/worker/layers\.c:congestion_allocate$",
}


def run(program, seconds):
    """({file:function: instructions below it}, packets forwarded)."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "callgrind.out"
        done = subprocess.run(["valgrind", "--tool=callgrind", "--zero-before=begin_counting", *RECORDERS, f"--callgrind-out-file={file}", program, str(seconds)],
                              capture_output=True, text=True, check=True)
        listed = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--auto=no", "--show-percs=no", file],
                                capture_output=True, text=True, check=True).stdout
    counts = {}
    for instructions, name in re.findall(r"^\s*([\d,]+)\s+(\S+:[\w']+)", listed, re.M):
        name = re.sub(r"^.*/(?=(server/worker|rtp|ice)/[\w.]+:)", "", name)  # some are listed twice, under two paths
        counts[name] = max(counts.get(name, 0), int(instructions.replace(",", "")))
    return counts, int(re.search(r"(\d+) packets forwarded", done.stdout)[1])


def main():
    program = str(pathlib.Path(sys.argv[1]) / "tests/bench/feedback_path")
    seconds = sys.argv[sys.argv.index("--seconds") + 1] if "--seconds" in sys.argv else 2
    counts, packets = run(program, seconds)

    def below(pattern):
        names = [name for name in counts if re.search(pattern, name)]
        assert names, f"no function is called {pattern}: have they other names now?"
        return sum(counts[name] for name in names) / packets

    server, cipher = below(SERVER), below(CIPHER)
    counted = {part: below(pattern) for part, pattern in PARTS.items()}
    beside = {part: below(pattern) for part, pattern in BESIDE.items()}
    total = sum(counted.values())
    forwarding = server - total - sum(beside.values())
    print(f"{packets} packets forwarded; instructions of each: server {server:.0f}, of these cipher {cipher:.0f}")
    for part, each in (counted | beside).items():
        print(f"{each:7.1f}  {part}{'' if part in counted else ' (not counted)'}")
    share, plain = 100 * total / forwarding, 100 * total / (forwarding - cipher)
    print(f"{total:7.1f}  estimation and feedback: {share:.1f} % of the {forwarding:.0f} that forwarding takes, {plain:.1f} % of "
          f"the {forwarding - cipher:.0f} without the cipher")
    baseline = json.loads(BASELINE.read_text())
    if "--write" in sys.argv:
        BASELINE.write_text(json.dumps(baseline | {"feedback": round(total, 1)}, indent=1) + "\n")
    elif "--test" in sys.argv and (share > GOAL_PERCENT or total > baseline["feedback"] * ALLOWED):
        sys.exit(f"that is too much: the goal is {GOAL_PERCENT} %, the baseline {baseline['feedback']}")


if __name__ == "__main__":
    main()
