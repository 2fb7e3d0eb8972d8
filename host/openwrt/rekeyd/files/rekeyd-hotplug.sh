#!/bin/sh
# A hook of rekeyd that hands on what happened to OpenWrt's hotplug: every script in
# /etc/hotplug.d/ipsec runs, with the variables of docs/hooks.md and these two, named as netifd
# names them for the class `iface`:
#
#   ACTION     ifup, ifdown; ifupdate for whatever leaves the VPN's state as it is
#   INTERFACE  the VPN's name
#
# The package installs it as /usr/lib/rekeyd/hotplug; `option hook '/usr/lib/rekeyd/hotplug'`.
case "$REKEYD_EVENT" in
  up) ACTION=ifup ;;
  down) ACTION=ifdown ;;
  *) ACTION=ifupdate ;;
esac
INTERFACE=$REKEYD_VPN
export ACTION INTERFACE
exec hotplug-call ipsec
