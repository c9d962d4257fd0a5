#!/usr/bin/env python3
"""Holds the tree to the layout rules: who may include whom, which library each folder may see, how long a file and a
function may be, how long a README, what stands at the top level, and that every source file has a unit test. Prints one
line per breach and exits 1.

A source file's test is tests/<its path>_test.c (of bench/load/: tests/bench/). Where one test covers several files, its first
comment says so in a line of its own, paths separated by blanks:  Covers: rtp/error.c
Every test must also stand in a CMake file of its folder, or it would not run.

Usage: check.py REPOSITORY
"""
import os
import re
import subprocess
import sys

FILE_LINES = 500
FUNCTION_LINES = 80
README_LINES = 100
TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "server", "rtp", "ice", "signaling", "conf", "tests", "bench"}

# Which of our folders, and which foreign headers, each folder's sources may include.
OURS = {"rtp": {"rtp"}, "ice": {"ice"}, "signaling": {"signaling"}, "conf": {"conf"},
        "server": {"rtp", "ice", "signaling", "conf", "server"}}
LIBC = {"assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h", "stdalign.h", "stdarg.h",
        "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "strings.h", "endian.h",
        "immintrin.h"}
# Socket address *types* travel through ice; sockets themselves do not (SOCKET_CALLS below).
FOREIGN = {"rtp": ["uthash.h", "sys/mman.h", "unistd.h"],  # madvise() alone: pages of a history go back
           "ice": ["stun/", "openssl/", "srtp2/", "intel-ipsec-mb.h", "usrsctp.h", "uthash.h", "sys/socket.h", "netinet/in.h", "arpa/inet.h",
                   "sys/mman.h", "unistd.h"],
           "signaling": ["libwebsockets.h", "jansson.h", "jwt.h", "uv.h", "openssl/", "uthash.h", "zlib.h"],
           "conf": ["cyaml/", "yaml.h", "unistd.h", "sys/stat.h", "fcntl.h", "arpa/inet.h"]}
CLOCK = re.compile(r"\b(clock_gettime|gettimeofday|uv_now|uv_hrtime|time\s*\(\s*NULL)\b")
SOCKET_CALLS = re.compile(r"(?<![\w.>])(socket|bind|connect|sendto|sendmsg|sendmmsg|recvfrom|recvmsg|recvmmsg|poll|epoll_wait)\s*\(")
PURE = {"rtp", "ice", "conf"}

# Folders whose source files must have a test.
TESTED = ("rtp/", "ice/", "signaling/", "conf/", "server/", "bench/load/")

breaches = []


def say(path, line, text):
    breaches.append(f"{path}:{line}: {text}")


def strip(text):
    """Blanks comments and string literals but keeps every line where it was."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def check_includes(path, text):
    folder = path.split("/", 1)[0]
    if folder not in OURS:
        return
    for number, line in enumerate(text.split("\n"), 1):
        m = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if not m:
            continue
        quote, name = m.groups()
        head = name.split("/", 1)[0]
        if quote == '"':
            if head not in OURS and "/" in name or "/" not in name:
                say(path, number, f'include "{name}": write it from the top of the repository')
            elif head not in OURS[folder]:
                say(path, number, f"{folder} may not include {head}")
        elif folder != "server" and name not in LIBC and not any(name.startswith(p) for p in FOREIGN[folder]):
            say(path, number, f"{folder} may not see <{name}>")


def check_sans_io(path, code):
    if path.split("/", 1)[0] not in PURE:
        return
    for number, line in enumerate(code.split("\n"), 1):
        if CLOCK.search(line):
            say(path, number, "reads a clock; take now_us instead")
        if path.split("/", 1)[0] != "conf" and SOCKET_CALLS.search(line):
            say(path, number, "calls a socket function; only server/ may")


def check_c_functions(path, code):
    depth, start, name = 0, 0, ""
    previous = ""
    for number, line in enumerate(code.split("\n"), 1):
        for c in line:
            if c == "{":
                if depth == 0:
                    start, name = number, previous + line
                depth += 1
            elif c == "}":
                depth -= 1
                if depth == 0 and "(" in name and number - start + 1 > FUNCTION_LINES:
                    m = re.search(r"(\w+)\s*\(", name)
                    say(path, start, f"function {m.group(1) if m else '?'} has {number - start + 1} lines (aim: {FUNCTION_LINES})")
        if line.strip() and not line.startswith("#"):
            previous = line if depth == 0 else previous


def check_purpose(path, text):
    if not text.lstrip().startswith(("/*", "//", "#")):
        say(path, 1, "the first lines do not say what the file is for")


def covered_by(text):
    """The paths on the `Covers:` lines of a test's first comment."""
    m = re.match(r'\s*(/\*.*?\*/|(?:#![^\n]*\n)?\s*""".*?"""|(?:(?://|#)[^\n]*\n)+)', text, re.S)
    lines = re.findall(r"^[ */#]*Covers: (.+)$", m.group(1), re.M) if m else []
    return [p for line in lines for p in line.replace("*/", "").split()]


def check_tests(top, files):
    sources = {f for f in files if f.endswith(".c") and f.startswith(TESTED)}
    tests = {f for f in files if f.startswith("tests/") and re.search(r"_test\.c$|\.py$|\.mjs$", f) and "/fuzz/" not in f}
    tested = {}
    for path in sorted(tests):
        with open(os.path.join(top, path), encoding="utf-8") as f:
            for source in covered_by(f.read()):
                tested.setdefault(source, path)
                if source not in sources:
                    say(path, 1, f"covers {source}: there is no such source file")
    for source in sorted(sources):
        test = "tests/" + source[:-2].replace("bench/load/", "bench/") + "_test.c"
        has = test in tests or source in tested
        if not has:
            say(source, 1, f"no unit test: write {test}, or name the file on a `Covers:` line of the test that covers it")
    check_listed(top, files, tests)


def check_listed(top, files, tests):
    """Each x_test.c is named, as x or as x_test.c, in a CMake file above it; lists may carry a common part of the name."""
    for path in sorted(t for t in tests if t.endswith("_test.c")):
        folder, words = os.path.dirname(path), ""
        while folder:
            for f in files:
                if os.path.dirname(f) == folder and (f.endswith(".cmake") or f.endswith("CMakeLists.txt")):
                    with open(os.path.join(top, f), encoding="utf-8") as listing:
                        words += listing.read()
            folder = os.path.dirname(folder)
        name = os.path.basename(path)[:-len("_test.c")]
        parts = name.split("_")
        if not any(re.search(rf"(?<![\w]){re.escape('_'.join(parts[i:]))}(?:_test\.c)?(?![\w])", words) for i in range(len(parts))):
            say(path, 1, "no CMake file lists it: it does not run")


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else "."
    listing = subprocess.run(["git", "-C", top, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True)
    files = [f for f in listing.stdout.split("\n") if f and os.path.isfile(os.path.join(top, f))]
    if not files:
        sys.exit("check.py: no files found: not a checkout?")
    for head in sorted({f.split("/", 1)[0] for f in files}):
        if head not in TOP_LEVEL and not head.startswith("."):
            say(head, 1, "not part of the agreed top level")
    for path in files:
        if not path.endswith((".c", ".h", ".js", ".mjs", ".css", ".html", "README.md", ".py")):
            continue
        with open(os.path.join(top, path), encoding="utf-8") as f:
            text = f.read()
        lines = text.count("\n")
        if path.endswith("README.md"):
            if lines > README_LINES and path != "README.md":
                say(path, 1, f"{lines} lines (README limit: {README_LINES})")
            continue
        if lines > FILE_LINES:
            say(path, 1, f"{lines} lines (aim: {FILE_LINES}): split it")
        if path.endswith((".c", ".h")):
            code = strip(text)
            check_includes(path, text)
            check_sans_io(path, code)
            check_c_functions(path, code)
            check_purpose(path, text)
    check_tests(top, files)
    for line in breaches:
        print(line)
    print(f"{len(files)} files, {len(breaches)} breaches of the layout")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
