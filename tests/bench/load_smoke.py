#!/usr/bin/env python3
"""consilium-load against a real server for a few seconds: what it reports, and what it says when something is wrong.

The machine may be busy: latencies have no bounds here, counts do. Usage: load_smoke.py CONSILIUM CONSILIUM-LOAD
"""
import os
import pathlib
import pty
import resource
import signal
import subprocess
import sys
import tempfile

from load_common import Load, expect, free_port, started, value


def consult(load, url, pid):
    page = pathlib.Path(load.folder.name) / "run.html"
    report = load.run("consult", "--rooms", 2, "--members", 3, "--duration", 3, "--url", url, "--pid", pid, "--html", page,
                      "--video-bps", "600k", "--accept-invalid", "--assert", "loss<5%", "--assert", "participants=6",
                      "--assert", "failed=0", "--assert", "starved=0", "--assert", "not_authentic=0", "--assert",
                      "unknown_ssrc=0", "--assert", "first_media_p95<10s", "--assert", "cpu_us_per_packet>0")
    expect(value(report, "slots") == 6 * 4, f"two voices and two pictures each: {value(report, 'slots')}")
    expect(value(report, "delivered") > 6 * 4 * 50, f"{value(report, 'delivered')} packets")
    expect(value(report, "latency_samples") > 100, "no latencies")
    names = {p["name"] for p in report["processes"]}
    expect({"supervisor", "gateway", "worker 0"} <= names, names)
    expect("<svg" in page.read_text(), "no plot")


def other_media(load, url):
    report = load.run("gallery", "--members", 5, "--duration", 2, "--layers", 3, "--suite", "cm", "--spacing", "even", "--url",
                      url, "--accept-invalid", "--assert", "failed=0", "--assert", "not_authentic=0", "--assert", "starved=0")
    expect(report["metrics"]["first_media_p50"]["value"] > 0, "nobody saw a picture")
    report = load.run("lecture", "--members", 4, "--duration", 1, "--url", url, "--accept-invalid", "--assert", "failed=0")
    expect(value(report, "participants") == 5, "a lecturer and four listeners")
    report = load.run("churn", "--rooms", 1, "--members", 3, "--join-rate", 4, "--duration", 2, "--url", url,
                      "--accept-invalid", "--assert", "failed=0")
    expect(value(report, "joins") >= 3 + 4 and value(report, "joined") > 3, f"{value(report, 'joins')} joins")


def data_channels(load, url):
    report = load.run("consult", "--rooms", 1, "--members", 3, "--duration", 3, "--data-interval", 0.5, "--video-bps", 0, "--url", url,
                      "--accept-invalid", "--assert", "data_opened=3", "--assert", "data_lost=0", "--assert", "failed=0")
    sent = value(report, "data_sent")
    expect(sent >= 6, f"{sent} messages in three seconds")
    expect(value(report, "data_delivered") == 2 * sent, f"{value(report, 'data_delivered')} of {sent} messages to two others each")
    expect(value(report, "data_latency_p50") > 0, "messages took no time")


def ramp(load, url, pid):
    page = pathlib.Path(load.folder.name) / "ramp.html"
    report = load.run("ramp", "--of", "lecture", "--ramp-start", 3, "--ramp-limit", 5, "--ramp-step", 0.5, "--ramp-p99", 9000,
                      "--ramp-loss", 90, "--url", url, "--pid", pid, "--html", page, "--accept-invalid", "--assert", "knee=5")
    expect([step["load"] for step in report["steps"]] == [3, 5], report["steps"])
    expect(all(step["borne"] for step in report["steps"]), report["steps"])
    expect("above 5 members" in page.read_text(), "no knee on the page")


def terminal(load, url):
    """On a terminal there is a line of live figures, and it is gone at the end; an interrupt ends a run with what it has."""
    master, slave = pty.openpty()
    running = subprocess.Popen([load.program, "audio", "--members", "2", "--duration", "50", "--warmup", "0", "--url", url], stdout=slave,
                               stderr=slave)
    os.close(slave)
    seen = b""
    while seen.count(b"measuring") < 15:  # every 0.2 s
        seen += os.read(master, 4096)
    running.send_signal(signal.SIGINT)
    try:
        while True:
            seen += os.read(master, 4096)
    except OSError:  # everybody has closed it
        pass
    os.close(master)
    expect(running.wait(20) == 3, f"an interrupted run ended with {running.returncode}")
    bar, _, table = seen.decode().rpartition("\r\x1b[K")
    expect("joining" in bar and "█" in bar and "self" in bar, bar)
    expect("audio, 2 participants" in table and "interrupted after" in table and "measuring" not in table, table)


def plain_words(load, url, folder):
    words = load.run("audio", "--members", 2, "--duration", 1, "--url", url, "--accept-invalid", "--assert", "loss>50%", code=1)
    expect("loss>50%: it is 0 %" in words, words)
    words = load.run("audio", "--url", f"http://127.0.0.1:{free_port()}", code=4)
    expect("Connection refused" in words and "--url" in words, words)
    secret = pathlib.Path(folder) / "secret"
    secret.write_text("another secret than the server's, long enough\n")
    words = load.run("audio", "--url", url, "--secret-file", secret, code=4)
    expect("token_invalid" in words and "--secret-file" in words, words)
    words = load.run("audio", "--members", 200, "--url", url, code=4,
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)), user=65534)
    expect("ulimit -n 464" in words, words)
    for wrong in (["nothing"], ["consult", "--members", "many"], ["consult", "--assert", "loss"], ["consult", "--assert", "los<1"], []):
        load.run(*wrong, code=2)
    expect("TLS" in load.run("consult", "--url", "https://127.0.0.1:1", code=4), "https")
    expect("--secret-file" in load.run("consult", "--url", "http://192.0.2.1:1", code=4), "tokens for all, elsewhere")


def main(consilium, consilium_load):
    with tempfile.TemporaryDirectory() as folder, Load(consilium_load) as load, started(consilium, folder) as server:
        url = f"http://127.0.0.1:{server.http}"
        consult(load, url, server.process.pid)
        other_media(load, url)
        data_channels(load, url)
        ramp(load, url, server.process.pid)
        terminal(load, url)
        plain_words(load, url, folder)


if __name__ == "__main__":
    main(*sys.argv[1:3])
