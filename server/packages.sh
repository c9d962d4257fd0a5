# server/packages.sh: Debian 12's packages by what they are for; sourced by server/run and tests/run.

packages_build=(
  build-essential cmake ninja-build pkg-config git file
  libuv1-dev libnice-dev libsrtp2-dev libssl-dev libusrsctp-dev libwebsockets-dev libwebsockets-evlib-uv libjansson-dev
  libjwt-dev libcyaml-dev libyaml-dev uthash-dev libsmartcols-dev zlib1g-dev esbuild
)
# Only where there is one: the multi-buffer crypto library is for x86-64.
[ "$(dpkg --print-architecture)" = amd64 ] && packages_build+=(libipsec-mb-dev)

packages_test=(
  libcmocka-dev clang clang-format clang-tidy libclang-rt-14-dev valgrind python3 nodejs npm
  chromium firefox-esr coturn openssl libnss3-tools fonts-dejavu-core fonts-noto-cjk iproute2 iptables
)

# packages_install WHY PACKAGE...: installs what is missing, by name, after saying so in one line.
packages_install() {
  local why=$1 missing=()
  shift
  for package in "$@"; do
    # nodejs and npm may have come from elsewhere; what counts is that they are there.
    case $package in nodejs | npm) command -v "${package/nodejs/node}" >/dev/null && continue ;; esac
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  echo "Installing from Debian $why: ${missing[*]}" >&2
  local root=() log
  log=$(mktemp)
  [ "$(id -u)" -eq 0 ] || root=(sudo)
  if ! { "${root[@]}" apt-get update -qq &&
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}
