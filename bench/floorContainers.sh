# The least that brings up a pair on a Docker engine with Docker's own commands, or looks at it, or takes it away.
# Called with `sh floorContainers.sh up|look|down IMAGE`; the engine is that of DOCKER_HOST.
set -eu
image=${2-}

gateway() {
  name=$1 port=$2
  docker network create "$name" >/dev/null
  for volume in state workspace files; do docker volume create "$name-$volume" >/dev/null; done
  files=$(mktemp -d)
  cat >"$files/openclaw.json" <<END
{"gateway":{"mode":"local","port":18789,"bind":"lan","auth":{"mode":"token","token":{"source":"file","provider":"token","id":"value"}},
"controlUi":{"allowedOrigins":["http://127.0.0.1:$port"]}},"secrets":{"providers":{"token":{"source":"file","path":"/etc/openclaw/token","mode":"singleValue"}}},
"update":{"checkOnStart":false}}
END
  printf token >"$files/token"
  chmod 400 "$files"/*
  chown -R 1000:1000 "$files"
  for volume in files workspace; do docker create --name "$name-$volume" -v "$name-$volume:/volume" "$image" true >/dev/null; done
  tar -C "$files" --owner=1000 --group=1000 -cf - . | docker cp - "$name-files:/volume"
  tar -C "$files" --owner=1000 --group=1000 --no-recursion -cf - . | docker cp - "$name-workspace:/volume"
  docker rm "$name-files" "$name-workspace" >/dev/null
  rm -r "$files"
  docker run -d --name "$name" --hostname "$name" --init --read-only --user 1000:1000 --workdir /app --network "$name" \
    --cap-drop ALL --security-opt no-new-privileges --pids-limit 512 --memory 2g --memory-swap 2g --cpus 2 \
    --restart unless-stopped --log-driver json-file --log-opt max-size=10m --log-opt max-file=3 --tmpfs /tmp:mode=1777 \
    -e HOME=/home/node/.openclaw/home -e OPENCLAW_STATE_DIR=/home/node/.openclaw \
    -e OPENCLAW_CONFIG_PATH=/etc/openclaw/openclaw.json -e OPENCLAW_CONFIG_READONLY=1 -e OPENCLAW_NO_AUTO_UPDATE=1 \
    -v "$name-state:/home/node/.openclaw" -v "$name-workspace:/home/node/.openclaw/workspace" -v "$name-files:/etc/openclaw:ro" \
    -p "127.0.0.1:$port:18789" "$image" node dist/index.js gateway --bind lan --port 18789 >/dev/null
  until curl -fs "http://127.0.0.1:$port/readyz" 2>/dev/null | grep -q '"ready":true'; do sleep 0.2; done
}

case $1 in
  up)
    gateway floor-main 25980 &
    gateway floor-rescue 25985 &
    wait
    ;;
  look)
    for name in floor-main floor-rescue; do
      docker inspect "$name" >/dev/null
      docker network inspect "$name" >/dev/null
      docker volume inspect "$name-state" "$name-workspace" "$name-files" >/dev/null
    done
    ;;
  down)
    docker rm -f floor-main floor-rescue >/dev/null
    docker network rm floor-main floor-rescue >/dev/null
    for name in floor-main floor-rescue; do docker volume rm "$name-state" "$name-workspace" "$name-files" >/dev/null; done
    ;;
esac
