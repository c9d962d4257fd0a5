"""bench/run: rounds of measurements, their medians and ranges, and the files they are written to."""
import argparse
import json
import os
import pathlib
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import time

from systems import SCENARIOS, Bench, Failed

TOP = pathlib.Path(__file__).resolve().parents[2]
SYSTEMS = ("ours", "floor", "alike", "janus")  # alike: the floor, waiting for packets as long as ours did
COST = "cpu_us_per_packet"
RATE = "packets_per_second"
UNEQUAL = 0.1  # systems whose delivered packets per second differ by more were not under the same load
SHOWN = [(RATE, "packets/s", 1), (COST, "CPU µs per packet", 1), ("latency_p50", "latency p50 ms", 1e-3),
         ("latency_p99", "p99 ms", 1e-3), ("loss", "loss %", 1), ("pss_per_participant", "PSS per participant kB", 1e-3)]


def spread(values):
    """Median, lowest, highest; None without values."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "runs": len(values)} if values else None


def ratios(runs, above, below):
    """above ÷ below round by round (the machine's mood divides out), as a spread: of the rounds in which both were valid; of all,
    and said to be `invalid`, when there is none."""
    pairs = [(a, b) for a, b in zip(runs.get(above, []), runs.get(below, [])) if a and b and b.get(COST)]
    good = [(a, b) for a, b in pairs if a.get("valid", True) and b.get("valid", True)]
    found = spread([a[COST] / b[COST] for a, b in good or pairs])
    return {**found, "invalid": True} if found and not good else found


def text(s, digits=2):
    if s is None:
        return "–"
    return f"{s['median']:.{digits}f} ({s['min']:.{digits}f}–{s['max']:.{digits}f})" + (", no round valid" if s.get("invalid") else "")


def machine():
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release()}


def said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, cwd=TOP).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def versions(build):
    return {"commit": said("git", "describe", "--always", "--dirty"), "consilium": said(build / "consilium", "--version"),
            "janus": said("dpkg-query", "-W", "-f", "${Version}", "janus"),
            **{name: said("dpkg-query", "-W", "-f", "${Version}", package)
               for name, package in (("ipsec-mb", "libipsec-mb1"), ("openssl", "libssl3"), ("libsrtp2", "libsrtp2-1"))}}


def build():
    """The release build; says nothing unless it fails."""
    for command in (["cmake", "--preset", "release"],
                    ["cmake", "--build", "--preset", "release", "--target", "consilium", "consilium-load", "consilium-floor"]):
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
    return TOP / "build/release"


def run_rounds(bench, options):
    """scenario → system → one entry a round, None where it failed. An interrupt ends it with what there is."""
    runs = {scenario: {system: [] for system in options.systems} for scenario in options.scenarios}
    turns = [(number, scenario, system) for number in range(options.rounds) for scenario in options.scenarios
             for system in (options.systems if number % 2 == 0 else options.systems[::-1])]
    for number, scenario, system in turns:
        try:
            figures = bench.measure(system, scenario)
            say = f"{figures[COST]:.2f} µs"
        except Failed as error:
            figures, say = None, str(error)
        except KeyboardInterrupt:
            print(f"bench/run: interrupted in round {number + 1}: what follows is of the measurements before", file=sys.stderr)
            break
        runs[scenario][system].append(figures)
        print(f"  round {number + 1}  {scenario:<13} {system:<6} {say}", flush=True)
    return runs


def summarize(runs):
    summary = {}
    for scenario, by_system in runs.items():
        summary[scenario] = {f"{above}/{below}": ratios(by_system, above, below)
                             for above, below in (("ours", "floor"), ("ours", "alike"), ("janus", "ours"))}
        for system, rounds in by_system.items():
            good = [figures for figures in rounds if figures]
            summary[scenario][system] = {name: spread([f[name] for f in good if f.get(name) is not None]) for name, _, _ in SHOWN}
            summary[scenario][system]["valid"] = f"{sum(1 for f in good if f.get('valid', True))} of {len(rounds)}"
    return summary


def unequal(summary):
    """Words about systems that were not under the load that ours was: their costs cannot be compared."""
    found = []
    for scenario, entry in summary.items():
        rates = {system: entry[system][RATE]["median"] for system in SYSTEMS if entry.get(system) and entry[system][RATE]}
        for system, rate in rates.items():
            if "ours" in rates and abs(rate / rates["ours"] - 1) > UNEQUAL:
                found.append(f"{scenario}: {system} delivered {rate:.0f} packets/s, ours {rates['ours']:.0f}: not the same load")
    return found


def markdown(summary, about):
    lines = [f"# {about['versions']['commit']}, {about['date']}", "",
             "| machine | cores | Linux | Janus | ipsec-mb | OpenSSL | libsrtp2 |", "|---|---|---|---|---|---|---|",
             f"| {about['machine']['cpu']} | {about['machine']['cores']} | {about['machine']['kernel']} | "
             + " | ".join(about["versions"].get(name) or "not installed" for name in ("janus", "ipsec-mb", "openssl", "libsrtp2")) + " |",
             "", f"Rounds: {about['rounds']} of {about['seconds']:g} s by turns; medians and (lowest–highest). Valid: rounds in which the "
             "generator was not the bottleneck.", "",
             "| scenario | system | " + " | ".join(title for _, title, _ in SHOWN) + " | valid |",
             "|---|---|" + "---|" * (len(SHOWN) + 1)]
    for scenario, entry in summary.items():
        for system in SYSTEMS:
            if system not in entry:
                continue
            cells = []
            for name, _, unit in SHOWN:
                s = entry[system][name]
                cells.append(text(s and {k: v * unit if k != "runs" else v for k, v in s.items()}, 0 if name == SHOWN[0][0] else 2))
            lines.append(f"| {scenario} | {system} | " + " | ".join(cells) + f" | {entry[system]['valid']} |")
    lines += ["", *(f"- {scenario}: ours/floor {text(e['ours/floor'])}, ours/alike {text(e['ours/alike'])}, janus/ours {text(e['janus/ours'])}"
                    for scenario, e in summary.items()), *(f"- {words}" for words in unequal(summary)), ""]
    return "\n".join(lines)


def last_line(summary):
    def one(s):
        return "–" if s is None else f"{s['median']:.2f}"
    return "; ".join(f"{scenario}: ours/floor={one(e['ours/floor'])} janus/ours={one(e['janus/ours'])}" for scenario, e in summary.items())


def arguments(doc):
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    cores = sorted(os.sched_getaffinity(0))
    names = lambda allowed: lambda value: [v if v in allowed else p.error(f"{v} is none of {', '.join(allowed)}")  # noqa: E731
                                           for v in value.split(",")]
    p.add_argument("--quick", action="store_true", help="one round of 2 s, ours and the floor: does it still work?")
    p.add_argument("--rounds", type=int, help="(5)")
    p.add_argument("--seconds", type=float, help="of each measurement (5)")
    p.add_argument("--scenarios", type=names(list(SCENARIOS)), help="of " + ", ".join(SCENARIOS))
    p.add_argument("--systems", type=names(SYSTEMS), help="of ours, floor, alike (the floor, waiting as ours did), janus")
    p.add_argument("--server-cpu", type=int, default=cores[-1])
    p.add_argument("--generator-cpu", type=int, default=cores[0])
    p.add_argument("--realtime", action="store_true", help="ahead of everything else that runs (root)")
    p.add_argument("--wrap", type=shlex.split, default=[], help="words before every measurement, such as 'flock FILE' on a shared machine")
    p.add_argument("--build", type=pathlib.Path, help="a build that exists, instead of building")
    p.add_argument("--results", type=pathlib.Path, default=TOP / "bench/results")
    o = p.parse_args()
    o.rounds = o.rounds or (1 if o.quick else 5)
    o.seconds = o.seconds or (2 if o.quick else 5)
    o.warmup = 0.5 if o.quick else 2
    o.scenarios = o.scenarios or (["lecture", "consult", "gallery"] if o.quick else list(SCENARIOS))
    o.systems = o.systems or (["ours", "floor"] if o.quick else [s for s in SYSTEMS if s != "janus" or shutil.which("janus")])
    return o


def main(doc):
    options = arguments(doc)
    where = options.build or build()
    if len(os.sched_getaffinity(0)) < 2:
        print("bench/run: server and generator share the only core: the figures are of little use", file=sys.stderr)
    bench = Bench(where, options)
    about = {"date": time.strftime("%Y-%m-%d %H:%M"), "machine": machine(), "versions": versions(where), "rounds": options.rounds,
             "seconds": options.seconds}
    runs = run_rounds(bench, options)
    summary = summarize(runs)
    table = markdown(summary, about)
    options.results.mkdir(parents=True, exist_ok=True)
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{about['versions']['commit'] or 'unknown'}"
    (options.results / f"{name}.json").write_text(json.dumps({"about": about, "summary": summary, "runs": runs}, indent=1) + "\n")
    (options.results / f"{name}.md").write_text(table)
    print(table)
    print(last_line(summary))
    missing = [f"{scenario} {system}" for scenario, e in runs.items() for system, rounds in e.items() if not any(rounds)]
    if missing:
        print(f"bench/run: no figures for {', '.join(missing)}", file=sys.stderr)
    return 1 if missing else 0
