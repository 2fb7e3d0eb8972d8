#!/bin/sh
# A hook of rekeyd (docs/hooks.md) that sends ScreenOS's traps vpn-tunnel-up (40) and
# vpn-tunnel-down (41) with net-snmp's snmptrap. Where to, and as whom: snmptrap.conf beside this
# script, else /etc/rekeyd/snmptrap.conf, a shell script with
#
#   sinks='192.0.2.9 [2001:db8::9]:1162'   # the receivers
#   options='-v 2c -c public'              # the options that snmptrap gets: snmpcmd(1)
set -eu

case "$REKEYD_EVENT" in
  up) type=40 ;;
  down) type=41 ;;
  *) exit 0 ;;
esac

sinks=
options='-v 2c -c public'
conf=${0%/*}/snmptrap.conf
[ -e "$conf" ] || conf=/etc/rekeyd/snmptrap.conf
# shellcheck source=/dev/null
. "$conf"

# netscreenTrapVpn with netscreenTrapType, netscreenTrapDesc, nsVpnMonVpnName, nsVpnMonTunnelState
netscreen=.1.3.6.1.4.1.3224
column=$netscreen.4.1.1.1
row=$((0x$REKEYD_ID))
text="VPN '$REKEYD_VPN' from ${REKEYD_PEER:-0.0.0.0} is $REKEYD_EVENT."

status=0
for sink in $sinks; do
  # shellcheck disable=SC2086 # the options are several words
  snmptrap $options "$sink" '' $netscreen.0.500 \
    $netscreen.2.1.0 i "$type" \
    $netscreen.2.3.0 s "$text" \
    "$column.4.$row" s "$REKEYD_VPN" \
    "$column.20.$row" i "$((41 - type))" || status=1
done
exit "$status"
