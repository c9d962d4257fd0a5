"""The Debian package: made by CPack from the release build, taken apart, and what is in it works."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from harness import expect


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    expect(done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def make(build, folder):
    """The package's path."""
    run("cpack", "--config", f"{build}/CPackConfig.cmake", "-B", folder)
    [package] = pathlib.Path(folder).glob("*.deb")
    return package


def check_fields(package):
    depends = run("dpkg-deb", "-f", package, "Depends")
    for library in ("libc6", "libuv1", "libssl3", "libnice10", "libusrsctp2", "libwebsockets17", "libwebsockets-evlib-uv", "libjansson4", "libjwt0", "libcyaml1", "zlib1g"):
        expect(re.search(rf"\b{re.escape(library)}\b", depends), f"does not depend on {library}: {depends}")
    expect(run("dpkg-deb", "-I", package, "conffiles").split() == ["/etc/consilium/consilium.yaml"], "an upgrade would overwrite the settings")
    expect(re.fullmatch(r"consilium_[0-9.]+_[a-z0-9]+\.deb", package.name), package.name)


def check_files(package, root):
    run("dpkg-deb", "-x", package, root)
    for name in ("usr/bin/consilium", "usr/bin/consilium-load", "usr/lib/systemd/system/consilium.service", "usr/share/consilium/consilium.yaml",
                 "usr/lib/systemd/system/consilium.service.d/credentials.conf", "usr/share/consilium/coturn.conf", "usr/share/consilium/web/index.html",
                 "usr/share/consilium/web/sdk/consilium.js", "etc/consilium/consilium.yaml", "usr/share/doc/consilium/LICENSE"):
        expect((root / name).is_file(), f"{name} is missing")
    # The pages' modules are one file each, whose map names what lies beside it.
    web = root / "usr/share/consilium/web"
    for module in ("app/main.js", "admin/admin.js"):
        expect(not re.search(r"(^|[;}])\s*import\b\s*[^(.\s]", (web / module).read_text()), f"{module} still imports")
        sources = json.loads((web / f"{module}.map").read_text())["sources"]
        expect(len(sources) > 5 and all((web / name.lstrip("/")).is_file() for name in sources), f"the map of {module}: {sources}")
    stray = [p for p in root.rglob("*") if p.name in ("node_modules", "README.md") or p.suffix in (".c", ".h", ".a", ".sh")]
    expect(not stray, f"should not be in it: {stray}")
    # Nothing but the service's own capabilities: no set-uid, nothing that others may write.
    for path in root.rglob("*"):
        expect(path.is_symlink() or path.stat().st_mode & 0o6022 == 0, f"{path}: {oct(path.stat().st_mode)}")


def check_settings(root, folder):
    """The installed settings are accepted once the secrets are there."""
    program = root / "usr/bin/consilium"
    expect(re.match(r"consilium \d", run(program, "--version")), "--version")
    secrets = []
    for key in ("tokens.secret", "admin.token"):
        path = pathlib.Path(folder) / key
        path.touch(0o600)
        path.write_text("x" * 48)
        secrets += ["--set", f"{key}_file={path}"]
    run(program, "-c", root / "etc/consilium/consilium.yaml", *secrets, "--check-config")


def check_postinst(package, folder):
    """Makes both secrets once, for root alone. Its fixed paths are moved into the folder."""
    control = pathlib.Path(folder) / "control"
    run("dpkg-deb", "-e", package, control)
    script = (control / "postinst").read_text().replace("/etc/consilium", f"{folder}/etc").replace("/run/systemd/system", f"{folder}/none")
    os.mkdir(f"{folder}/etc")
    expect("enable --now" in run("sh", "-c", script, "postinst", "configure", ""), "says what comes next")
    secrets = {name: (pathlib.Path(folder) / "etc" / name) for name in ("token-secret", "admin-token")}
    before = {name: path.read_text() for name, path in secrets.items()}
    for name, path in secrets.items():
        expect(len(before[name]) == 48 and path.stat().st_mode & 0o777 == 0o600, f"{name}: {oct(path.stat().st_mode)}")
    expect(before["token-secret"] != before["admin-token"], "the same secret twice")
    expect(run("sh", "-c", script, "postinst", "configure", "0.1.0") == "", "an upgrade is silent")
    expect(before == {name: path.read_text() for name, path in secrets.items()}, "an upgrade changes the secrets")


def main(build):
    with tempfile.TemporaryDirectory() as folder:
        package = make(build, folder)
        check_fields(package)
        root = pathlib.Path(folder) / "root"
        check_files(package, root)
        check_settings(root, folder)
        check_postinst(package, folder)
    print("the package holds what it should")


main(sys.argv[1])
