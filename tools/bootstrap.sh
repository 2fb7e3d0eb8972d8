#!/usr/bin/env bash
# Makes a fresh Debian machine ready to build and to test, as root: says first in
# one line each what only a person can mend, then installs what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What docs/dependencies.md explains, line by line.
packages=(
  ca-certificates git gcc libc6-dev
  strongswan-swanctl strongswan-charon libcharon-extra-plugins libstrongswan-extra-plugins
  mount procps nftables iproute2 iputils-ping tcpdump
  shellcheck mandoc groff-base bash-completion zsh strace tmux python3-scapy
  rsyslog busybox systemd jq make
  prometheus python3-prometheus-client snmp snmpd snmptrapd
  chromium pngquant
  dpkg-dev debhelper lintian mmdebstrap debian-archive-keyring
)

# What programs for other processors are built with, and run by. Without these the rest still works.
cross_packages=(
  gcc-aarch64-linux-gnu libc6-dev-arm64-cross
  gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
  qemu-user-static
)

# What the router's image is built with and booted on: the same.
image_packages=(kmod xz-utils squashfs-tools qemu-system-arm)

# What programs for other processors are built with (tools/cross).
musl_targets=(x86_64-unknown-linux-musl aarch64-unknown-linux-musl)

missing=0

# Says what is missing and how to get it; the script ends after all checks.
complain() {
  echo "rekeyd: $1" >&2
  missing=1
}

# Whether version $1 is at least $2, both dotted numbers.
at_least() {
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort --version-sort | head --lines=1)" = "$2" ]
}

check_system() {
  if [ "$(uname -s)" != Linux ] || ! command -v apt-get >/dev/null; then
    complain "needs Linux with Debian's packages (apt-get): run it on Debian 12 or later"
  fi
  if [ "$(id --user)" -ne 0 ]; then
    complain "needs root, for network namespaces and raw sockets: use sudo or a root shell"
  elif ! unshare --net --mount true 2>/dev/null; then
    complain "can't make network namespaces: in a container, start that with --privileged"
  fi
  if ! (: <>/dev/net/tun) 2>/dev/null; then
    complain "can't open /dev/net/tun: 'modprobe tun'; for a container, --device /dev/net/tun"
  fi
}

check_node() {
  local range lowest above found
  range=$(sed -n 's/.*"node": ">=\([0-9.]*\) <\([0-9.]*\)".*/\1 \2/p' package.json)
  lowest=${range% *}
  above=${range#* }
  local how="at least $lowest, below $above: see https://nodejs.org/en/download"
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    complain "needs Node.js with npm, $how"
    return
  fi
  found=$(node --version)
  found=${found#v}
  if ! at_least "$found" "$lowest" || at_least "$found" "$above"; then
    complain "Node.js $found doesn't fit, needs $how"
  fi
}

check_rust() {
  local pinned found
  pinned=$(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)
  local how="needs $pinned (rust-toolchain.toml): see https://rustup.rs"
  if ! command -v cargo >/dev/null; then
    complain "no Rust here, $how"
    return
  fi
  # rustup installs the pinned toolchain at its first use here, if it may.
  if command -v rustup >/dev/null && ! cargo --version >/dev/null 2>&1; then
    echo "installing Rust $pinned"
    rustup toolchain install "$pinned" --profile minimal --component rustfmt --component clippy \
      </dev/null || true
  fi
  found=$(cargo --version 2>/dev/null | cut --delimiter=' ' --fields=2) || true
  if [ -z "$found" ] || ! at_least "$found" "$pinned"; then
    complain "Rust ${found:-that is installed} doesn't fit, $how"
  fi
}

# Those of the packages that are not installed, in ${absent[@]}.
find_absent() {
  local package status
  absent=()
  for package in "$@"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || true
    if [ "$status" != installed ]; then
      absent+=("$package")
    fi
  done
}

# Debian starts a service when its package is installed, unless policy-rc.d says
# no. strongSwan's must not run here, the gateways have their own in namespaces; nor another logger.
install_packages() {
  local absent policy=/usr/sbin/policy-rc.d
  find_absent "${packages[@]}" "${cross_packages[@]}" "${image_packages[@]}"
  if [ ${#absent[@]} -eq 0 ]; then
    return
  fi
  if [ ! -e "$policy" ]; then
    trap 'rm --force /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  export DEBIAN_FRONTEND=noninteractive
  local apt=(apt-get --quiet --option DPkg::Lock::Timeout=300)
  "${apt[@]}" update </dev/null
  find_absent "${packages[@]}"
  if [ ${#absent[@]} -gt 0 ]; then
    echo "installing from Debian: ${absent[*]}"
    "${apt[@]}" install --yes --no-install-recommends "${absent[@]}" </dev/null
    # Nor at the next boot: nobody asked for them.
    disable_service strongswan-charon strongswan-starter.service
    disable_service rsyslog rsyslog.service
    disable_service prometheus prometheus.service
    disable_service snmpd snmpd.service
    disable_service snmptrapd snmptrapd.socket
  fi
  install_optional "no programs for all processors can be built here" "${cross_packages[@]}"
  install_optional "no router's image can be built here" "${image_packages[@]}"
}

# Says $1 where the packages that follow can't be installed, and goes on.
install_optional() {
  local absent without=$1
  shift
  find_absent "$@"
  if [ ${#absent[@]} -gt 0 ]; then
    echo "installing from Debian: ${absent[*]}"
    "${apt[@]}" install --yes --no-install-recommends "${absent[@]}" </dev/null ||
      echo "rekeyd: $without: ${absent[*]}" >&2
  fi
}

# Of a package that has just been installed, disables the unit.
disable_service() {
  if [[ " ${absent[*]} " == *" $1 "* ]] && command -v systemctl >/dev/null; then
    systemctl disable "$2" >/dev/null 2>&1 || true
  fi
}

# The source of Rust's library, which is built for each processor; and musl for those that have it.
install_rust_libraries() {
  local target
  for target in "${musl_targets[@]}"; do
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
      echo "installing Rust's musl for $target"
      rustup target add "$target" </dev/null ||
        echo "rekeyd: no programs can be built here for $target" >&2
    fi
  done
  if [ ! -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library" ]; then
    echo "installing the source of Rust's library"
    rustup component add rust-src </dev/null ||
      echo "rekeyd: no programs for other processors can be built here" >&2
  fi
}

# A copy of the lock file tells which one node_modules was made from.
install_node_modules() {
  if cmp --silent package-lock.json node_modules/.installed-lock.json; then
    return
  fi
  echo "installing the npm packages of package-lock.json"
  npm ci </dev/null
  cp package-lock.json node_modules/.installed-lock.json
}

fetch_crates() {
  local folder fetch
  for folder in host/device host/web/server; do
    fetch=(cargo fetch --locked --manifest-path "$folder/Cargo.toml")
    if ! "${fetch[@]}" --offline --quiet 2>/dev/null; then
      echo "fetching the crates of $folder/Cargo.lock"
      "${fetch[@]}" </dev/null
    fi
  done
}

check_system
check_node
check_rust
if [ "$missing" -ne 0 ]; then
  exit 1
fi
install_packages
install_rust_libraries
install_node_modules
fetch_crates
