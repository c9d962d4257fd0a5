#!/usr/bin/env python3
"""The arithmetic of bench/run: medians, ranges, ratios by round, what is missing."""
import argparse
import contextlib
import io
import pathlib
import sys
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench/compare"))
import rounds  # noqa: E402
import systems  # noqa: E402


def runs(*costs):
    return [None if c is None else {"cpu_us_per_packet": c, "loss": 0} for c in costs]


class Rounds(unittest.TestCase):
    def test_spread(self):
        self.assertEqual(rounds.spread([3, 1, 2]), {"median": 2, "min": 1, "max": 3, "runs": 3})
        self.assertIsNone(rounds.spread([]))

    def test_ratios_are_of_the_same_round(self):
        # The machine was twice as slow in the second round, for both: that is no difference between them.
        found = rounds.ratios({"ours": runs(2, 4), "floor": runs(1, 2)}, "ours", "floor")
        self.assertEqual((found["median"], found["min"], found["max"]), (2, 2, 2))

    def test_a_failed_round_is_left_out_with_its_partner(self):
        found = rounds.ratios({"ours": runs(2, 100), "floor": runs(1, None)}, "ours", "floor")
        self.assertEqual((found["median"], found["runs"]), (2, 1))
        self.assertIsNone(rounds.ratios({"ours": runs(2)}, "janus", "ours"))

    def test_rounds_that_are_not_valid_give_no_ratio_where_others_do(self):
        bad = [{"cpu_us_per_packet": 90, "valid": False}]
        found = rounds.ratios({"ours": bad + runs(2), "floor": runs(1, 1)}, "ours", "floor")
        self.assertEqual((found["median"], found["runs"]), (2, 1))
        found = rounds.ratios({"ours": bad, "floor": runs(1)}, "ours", "floor")
        self.assertEqual((found["median"], found["invalid"]), (90, True))
        self.assertIn("no round valid", rounds.text(found))

    def test_a_floor_that_waits_as_ours_did_is_a_ratio_of_its_own(self):
        summary = rounds.summarize({"consult": {"ours": runs(10, 12), "floor": runs(4, 4), "alike": runs(8, 8)}})
        self.assertEqual(summary["consult"]["ours/alike"]["median"], 1.375)
        self.assertEqual(summary["consult"]["ours/floor"]["median"], 2.75)
        self.assertEqual(rounds.last_line(summary), "consult: ours/floor=2.75 janus/ours=–")

    def test_how_long_the_worker_waits_is_read_from_its_metrics(self):
        text = "# TYPE consilium_worker_gather_seconds gauge\nconsilium_worker_gather_seconds{worker=\"0\"} 0.0015\n"
        self.assertEqual(systems.gather_us(text), 1500)
        self.assertEqual(systems.gather_us(text + "consilium_worker_gather_seconds{worker=\"1\"} 0\n"), 1500)
        self.assertIsNone(systems.gather_us("consilium_worker_gather_seconds_sum 3\n"))

    def test_a_floor_alike_needs_our_server_first(self):
        bench = systems.Bench(".", argparse.Namespace())
        with self.assertRaises(systems.Failed):
            bench.alike("consult")
        bench.waited_us["consult"] = 0
        with unittest.mock.patch.object(bench, "floor", return_value={}) as floor:
            bench.alike("consult")
        floor.assert_called_once_with("consult", "--gather-us", 0)

    def test_last_line(self):
        summary = rounds.summarize({"lecture": {"ours": runs(2, 2), "floor": runs(1, 1), "janus": runs(20, 22)}})
        self.assertEqual(rounds.last_line(summary), "lecture: ours/floor=2.00 janus/ours=10.50")
        without = rounds.summarize({"lecture": {"ours": runs(2)}})
        self.assertEqual(rounds.last_line(without), "lecture: ours/floor=– janus/ours=–")

    def test_table(self):
        about = {"date": "d", "rounds": 1, "seconds": 1, "machine": {"cpu": "c", "cores": 2, "kernel": "k"},
                 "versions": {"commit": "x", "janus": ""}}
        table = rounds.markdown(rounds.summarize({"lecture": {"ours": runs(2.5)}}), about)
        self.assertIn("| lecture | ours | – | 2.50 (2.50–2.50) |", table)
        self.assertIn("| c | 2 | k | not installed |", table)
        self.assertIn("# x, d", table)

    def test_rounds_of_a_saturated_generator_are_counted(self):
        mixed = [{**runs(2)[0], "valid": True}, {**runs(2)[0], "valid": False}, None]
        self.assertEqual(rounds.summarize({"lecture": {"ours": mixed}})["lecture"]["ours"]["valid"], "1 of 3")

    def test_another_load_is_said(self):
        def at(rate):
            return [{**runs(2)[0], "packets_per_second": rate}]
        same = rounds.summarize({"lecture": {"ours": at(1000), "floor": at(1090), "janus": at(910)}})
        self.assertEqual(rounds.unequal(same), [])
        other = rounds.summarize({"lecture": {"ours": at(1000), "floor": at(1111), "janus": at(880)}})
        self.assertEqual([words.split(" delivered")[0] for words in rounds.unequal(other)], ["lecture: floor", "lecture: janus"])

    def test_defaults(self):
        with unittest.mock.patch.object(sys, "argv", ["run"]):
            o = rounds.arguments("")
        self.assertGreaterEqual(o.rounds, 5)
        self.assertEqual(set(o.scenarios), {"lecture", "lecture-even", "consult", "gallery"})
        self.assertIn("floor", o.systems)

    def test_systems_alternate(self):
        class Bench:
            order = []

            def measure(self, system, scenario):
                self.order.append(system)
                return runs(1)[0]
        bench, options = Bench(), argparse.Namespace(rounds=2, scenarios=["lecture"], systems=["ours", "floor", "janus"])
        with contextlib.redirect_stdout(io.StringIO()):
            rounds.run_rounds(bench, options)
        self.assertEqual(bench.order, ["ours", "floor", "janus", "janus", "floor", "ours"])

    def test_an_interrupt_keeps_what_there_is(self):
        class Bench:
            left = 3

            def measure(self, system, scenario):
                if not self.left:
                    raise KeyboardInterrupt
                self.left -= 1
                return runs(1)[0]
        options = argparse.Namespace(rounds=5, scenarios=["lecture"], systems=["ours", "floor"])
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            found = rounds.run_rounds(Bench(), options)
        self.assertEqual({system: len(entries) for system, entries in found["lecture"].items()}, {"ours": 1, "floor": 2})
        self.assertEqual(rounds.summarize(found)["lecture"]["floor"]["valid"], "2 of 2")


if __name__ == "__main__":
    unittest.main()
