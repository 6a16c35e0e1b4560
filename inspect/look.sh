# Describes a machine, one fact per line. Read by `sh -s`, even where there is nothing of ours. Changes nothing.
root=@ROOT@ bin_dir=@BIN_DIR@ manage=@MANAGE@ account=@ACCOUNT@ wants_sudo=@SUDO@
{
exec </dev/null 2>/dev/null
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
sudo=

say() {
  printf '%s %s\n' "$1" "$2"
}

# find_parent PATH: sets `parent` to the part of it that exists
find_parent() {
  parent=$1
  until $sudo test -e "$parent" || $sudo test -L "$parent"; do
    parent=${parent%/*}
    parent=${parent:-/}
  done
}

# say_parent NAME PATH
say_parent() {
  find_parent "$2"
  if ! $sudo test -d "$parent"; then
    say "$1" "file $parent"
  elif $sudo test -w "$parent"; then
    say "$1" "writable $parent"
  else
    say "$1" "closed $parent"
  fi
}

# enters DIRECTORY: whether the account, with all its groups, gets through; where there is none yet, nobody knows
enters() {
  id "$account" && $sudo setpriv --reuid="$account" --regid="$(id -g "$account")" --init-groups -- test -x "$1"
}

# say_closed PATH: the directories on the way to it that the account cannot enter
say_closed() {
  find_parent "$1"
  at=$($sudo readlink -f "$parent")
  while [ -n "$at" ] && [ "$at" != / ]; do
    mode=$($sudo stat -c %a "$at")
    ! $sudo test -d "$at" || [ $((0$mode & 1)) = 1 ] || enters "$at" >/dev/null || say closed "$at"
    at=${at%/*}
  done
}

# look_for_file PATH
look_for_file() {
  $sudo test -f "$1" || say absent "$1"
}

@TRUSTED@
# look_for_gateway ID UNIT UNIT_MARK RELEASE STATE_DIR MARK_FILE OWNER_FILE
look_for_gateway() {
  for directory in @UNIT_DIRECTORIES@; do
    unit=$directory/$2
    if $sudo test -e "$unit" || $sudo test -L "$unit"; then
      $sudo grep -qxF "$3" "$unit" || say unit "$1 $unit"
    fi
  done
  # Its name ends with its lock's id if it was reinstalled.
  $sudo ls "${4%/*}" | grep -q "^${4##*/}\(-[0-9a-f]*\)\{0,1\}$" || say missing "$1"
  if $sudo test -d "$5" && ! $sudo test -e "$6" && [ -n "$($sudo ls -A "$5")" ]; then
    say state "$1"
  fi
  # The agent can write there: only a regular file is read, and only its beginning.
  if ! $sudo test -e "$7" && $sudo test -f "$6" && $sudo head -c 4096 "$6" | grep -q '"released": false'; then
    say lost "$1"
  fi
}

echo 'pulumi-openclaw look'
user=$(id -un)
home=$HOME
say system "$(uname -s)"
say machine "$(uname -m)"
say user "$user"
say home "$home"
for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
  [ -e "$loader" ] && say loader "$loader"
done
say libc "$(getconf GNU_LIBC_VERSION)"
[ -d /run/systemd/system ] && say systemd yes
[ -e "/var/lib/systemd/linger/$user" ] && say linger yes
if [ -n "$wants_sudo" ]; then
  home=/root
  sudo -n true && sudo='sudo -n' && say sudo yes
fi
for program in @PROGRAMS@; do
  command -v "$program" >/dev/null && say has "$program"
done
ip -4 -o addr show | sed -n 's|.* inet \([0-9.]*\).*|address \1|p'
say groups "$(id -nG "${account:-$user}")"
[ -n "$account" ] && say account "$(grep "^$account:" /etc/passwd)"
unsafe=
[ -z "$account" ] || unsafe=$(say_unsafe "$manage/host" | sed 's/^/unsafe /')
[ -z "$unsafe" ] || printf '%s\n' "$unsafe"
[ -z "$account" ] || say_closed "$manage"
[ -z "$($sudo ls "$manage/gateways")" ] || say former "$($sudo head -c 4096 "$manage/host.json" | tr -d '\n')"
say_parent bin_dir "$bin_dir"
say_parent root "$root"
say disk "$($sudo df -Pk "$parent" | tail -n 1)"
say memory "$(grep '^MemTotal:' /proc/meminfo)"
say ephemeral "$(cat /proc/sys/net/ipv4/ip_local_port_range)"
grep -h ' 0A ' /proc/net/tcp /proc/net/tcp6 | sed 's/^/tcp /'
$sudo ss -Hltnp | sed 's/^/process /'
@GATEWAYS@
if [ -z "$unsafe" ] && $sudo test -x "$manage/host"; then
  say program installed
  printf 'answer '
  $sudo "$manage/host" look <<'PULUMI_OPENCLAW_END'
@CLAIMS@
PULUMI_OPENCLAW_END
  echo
fi
echo end
}
