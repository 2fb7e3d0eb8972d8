#!/bin/sh
# Stands in for OpenWrt's /etc/rc.common and procd: `rc_common.sh INIT-SCRIPT ACTION`. What procd
# would be told is written down. ROOT is a folder with the configurations, BUILD has the programs,
# RUNNING is the service that procd says is running. As OpenWrt's, uci refuses a file in which the
# name of a section has other signs than letters, digits and _.
# shellcheck disable=SC1090,SC2034

tell() { echo "$*" >>"$ROOT/calls"; }

procd_open_instance() { tell open; }
procd_close_instance() { tell close; }
procd_set_param() { tell set "$@"; }
procd_append_param() { tell append "$@"; }
procd_add_jail() { tell jail "$@"; }
procd_add_jail_mount() { tell mount "$@"; }
procd_add_jail_mount_rw() { tell mount_rw "$@"; }
procd_add_reload_trigger() { tell reload_trigger "$@"; }
procd_send_signal() { tell signal "$@"; }
procd_running() { [ "$1" = "$RUNNING" ]; }
start() { tell start; }
logger() { tell logger "$*: $(cat)"; }
uci() { ! grep -q "^config [a-z]* '.*[^a-zA-Z0-9_'].*'" "$CONFIG"; }
ln() { :; }
chown() { tell chown "$@" "$(($(wc -c <"$2") - 1))" "$(stat -c %a "$2")"; }

# A configuration of one section, its values in single quotes.
config_load() { config=$ROOT/$1; }
values() { sed -n "s/^[[:space:]]*$1 $2 '\(.*\)'\$/\1/p" "$config"; }
config_get() {
  eval "$1=\$(values option $3)"
  eval "$1=\${$1:-$4}"
}
config_get_bool() { config_get "$@"; }
config_list_foreach() {
  for value in $(values list "$2"); do
    "$3" "$value"
  done
}

. "$1"

PROG=$ROOT/build/${PROG##*/}
CONFIG=$ROOT/rekeyd
SOCKETS=$ROOT/run
RECORDINGS=$ROOT/lib
SECRET=$ROOT/web-secret
mkdir -p "$ROOT/build"
cp "$BUILD/${PROG##*/}" "$PROG"
"$2"
