#!/usr/bin/env python3
"""What one more participant costs in memory: the same scenario with few people and with many, in a fresh server each time.

    bench/memory.py build/release [scenario ...]     lecture, consult, gallery, audio; all unless named

PSS of all of the server's processes after --seconds of media, without files, whose part depends on what else runs on the machine;
difference over difference, so what is there once does not count.
With --data everybody opens both data channels, too, and sends messages.
With --churn: the same people leave and come back for a while; what they leave behind must not grow.
"""
import argparse
import pathlib
import subprocess
import sys
import types

sys.path.insert(0, str(pathlib.Path(__file__).parent / "compare"))
import systems  # noqa: E402

# The options that differ, few and many: participants are counted by the load tool.
SIZES = {
    "lecture": (["lecture", "--members", "10"], ["lecture", "--members", "110"]),
    "consult": (["consult", "--rooms", "3", "--members", "4"], ["consult", "--rooms", "9", "--members", "4"]),
    "gallery": (["gallery", "--members", "12"], ["gallery", "--members", "32"]),
    "audio": (["audio", "--members", "10"], ["audio", "--members", "40"]),
}


class Memory(systems.Bench):
    """One measurement: no pinning to speak of, for nothing is timed."""

    def load(self, scenario, *more):
        o = self.options
        command = [self.build / "consilium-load", *scenario, *([] if "--duration" in scenario else ["--duration", o.seconds]), "--warmup", 2, "--accept-invalid", "--quiet",
                   "--json", self.file, *more]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise systems.Failed(done.stderr.strip() or f"consilium-load ended with {done.returncode}")
        return systems.figures_of(self.file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("scenario", nargs="*", help="lecture, consult, gallery, audio")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--data", action="store_true", help="with data channels")
    parser.add_argument("--churn", type=int, nargs="?", const=20, metavar="SECONDS", help="also so long a churn (20), against 5 s of it")
    parser.add_argument("--growth", type=float, metavar="MB", help="fails when the longer churn leaves so much more")
    a = parser.parse_args()
    for name in a.scenario:
        if name not in SIZES:
            parser.error(f"there is no scenario {name}")
    options = types.SimpleNamespace(seconds=a.seconds, warmup=2, server_cpu="0-1", generator_cpu="0-1", realtime=False)
    bench = Memory(a.build, options)
    try:
        for name in a.scenario or ([] if a.churn else SIZES):
            few, many = (bench.ours([*size, *(["--data"] if a.data else [])]) for size in SIZES[name])
            people = many["participants"] - few["participants"]
            print(f"{name}: {(many['pss_own'] - few['pss_own']) / people / 1000:.0f} kB PSS per participant "
                  f"({few['participants']:.0f} → {many['participants']:.0f})", flush=True)
        if a.churn:
            churn = ["churn", "--join-rate", "20", "--data"]
            # Who has gone may come back for a minute, and that is remembered: not what is looked for here.
            brief = ["rooms.resume_window_seconds=5"]
            short, long = (bench.ours([*churn, "--duration", seconds], brief) for seconds in (5, a.churn))
            grown = (long["pss_own"] - short["pss_own"]) / 1e6
            print(f"churn: {short['pss_own'] / 1e6:.1f} MB after {short['joins']:.0f} joins, {long['pss_own'] / 1e6:.1f} MB after "
                  f"{long['joins']:.0f}")
            if a.growth is not None and (long["joins"] < 10 * (a.churn - 5) or grown > a.growth):
                raise systems.Failed(f"{grown:.1f} MB more after {long['joins'] - short['joins']:.0f} more joins")
    except systems.Failed as why:
        sys.exit(f"memory: {why}")


if __name__ == "__main__":
    main()
