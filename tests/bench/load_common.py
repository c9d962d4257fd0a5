"""What the program tests of consilium-load share: the server from tests/server/program, runs, and their JSON."""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "server/program"))
from harness import Server, expect, free_port  # noqa: E402,F401


class Load:
    """Runs consilium-load; every run has its own JSON file."""

    def __init__(self, program):
        self.program = program
        self.folder = tempfile.TemporaryDirectory()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def run(self, *arguments, code=0, **options):
        """The JSON of a run that ends with `code`; of a failed one its words. What fails in a run that the machine spoiled (it says
        so itself) says nothing: that is done again, twice at most."""
        file = pathlib.Path(self.folder.name) / "run.json"
        for _ in range(3):
            done = subprocess.run([self.program, *map(str, arguments), "--warmup", "0.5", "--json", str(file), "--quiet"],
                                  capture_output=True, text=True, timeout=60, **options)
            if done.returncode == code or "not valid: " not in done.stderr:
                break
        expect(done.returncode == code, f"{arguments}: exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
        return json.loads(file.read_text()) if code == 0 else done.stderr


def value(report, name):
    return report["metrics"][name]["value"]


def started(program, folder, *arguments):
    """A server for many clients from one address, its runtime directory in `folder`."""
    return Server(program, "--set", "limits.connections_per_address=1000", *arguments, workers=1,
                  environment={"XDG_RUNTIME_DIR": folder})
