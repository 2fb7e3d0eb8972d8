#!/usr/bin/env bash
# Boots a tree's systemd as process 1 of a container made by hand, in the caller's network
# namespace: `boot.sh TREE [PATH TARGET]...`, where PATH of this machine is TARGET in the container.
# When this ends, the kernel ends the container.
set -euo pipefail

here=${BASH_SOURCE[0]}

# In a mount namespace of its own: a control group of its own, which systemd manages.
outside() {
  mount --make-rprivate /
  mount -t tmpfs tmpfs /mnt
  mount -t cgroup2 cgroup2 /mnt
  local group
  # Of those that were killed.
  for group in /mnt/rekeyd-test-*; do
    [ -e "/proc/${group##*-}" ] || remove_group "$group"
  done
  group=/mnt/rekeyd-test-$$
  mkdir "$group"
  trap 'remove_group /mnt/rekeyd-test-$$' EXIT
  # Not exec: the group is removed when the container has ended.
  (
    echo "$BASHPID" >"$group/cgroup.procs"
    exec setpriv --pdeathsig KILL \
      unshare --pid --mount --uts --ipc --cgroup --fork --kill-child \
      "$BASH" "$here" --inside "$@"
  )
}

# It is in use until the last process has been taken leave of.
remove_group() {
  for _ in {1..50}; do
    if [ ! -e "$1" ] || find "$1" -depth -type d -exec rmdir {} + 2>/dev/null; then
      return
    fi
    sleep 0.1
  done
}

# As process 1 to be.
inside() {
  local tree=$1 device
  shift
  mount --bind "$tree" "$tree"
  mount -t proc proc "$tree/proc"
  mount -t sysfs sysfs "$tree/sys"
  mount -t cgroup2 cgroup2 "$tree/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 tmpfs "$tree/run"
  mount -t tmpfs -o mode=1777 tmpfs "$tree/tmp"
  mount -t tmpfs -o mode=755 tmpfs "$tree/dev"
  mkdir "$tree/dev/net" "$tree/dev/pts" "$tree/dev/shm"
  for device in null zero full random urandom tty net/tun; do
    bind "/dev/$device" "$tree/dev/$device"
  done
  mount -t devpts -o newinstance,ptmxmode=666 devpts "$tree/dev/pts"
  ln -s pts/ptmx "$tree/dev/ptmx"
  while [ $# -ge 2 ]; do
    bind "$1" "$tree$2"
    shift 2
  done
  hostname rekeyd-test
  cd "$tree"
  mkdir -p mnt
  pivot_root . mnt
  umount -l /mnt
  # As systemd would have it, were it not in a container.
  mount --make-rshared /
  exec env -i container=rekeyd-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --log-target=console --show-status=no
}

# A file of the tree becomes the machine's.
bind() {
  touch "$2"
  mount --bind "$1" "$2"
}

case ${1:-} in
  --inside) inside "${@:2}" ;;
  --outside) outside "${@:2}" ;;
  *) exec unshare --mount "$BASH" "$here" --outside "$@" ;;
esac
