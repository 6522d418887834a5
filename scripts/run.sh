#!/bin/sh
# `make run`: Weir on 127.0.0.1:8787, ready to be called. With a provider's key in the environment it uses the real provider;
# without one it starts the simulated provider, so that everything works with no account. `--demo` runs `weir demo` instead.
set -eu
weir="${WEIR_BIN:-.build/release/weir}"
[ "${1:-}" = "--demo" ] && exec "$weir" demo

listen="${WEIR_LISTEN:-127.0.0.1:8787}"
data="${WEIR_DATA:-./weir-data}"
simulator=""
server=""
stop() {
    # The server goes first, so that running turns can still be settled.
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    [ -n "$simulator" ] && kill "$simulator" 2>/dev/null
    exit 0
}
trap stop INT TERM

# Variables that name a provider, as docs/configuration.md lists them.
real=""
for name in OPENAI_API_KEY ANTHROPIC_API_KEY OPENROUTER_API_KEY OLLAMA_HOST VLLM_BASE_URL; do
    eval "value=\${$name:-}"
    [ -n "$value" ] && real="$real $name"
done

mkdir -p "$data"
chmod 700 "$data"
set -- serve --listen "$listen" --data "$data"
if [ -n "${WEIR_CONFIG:-}" ]; then
    echo "Providers: as $WEIR_CONFIG says."
elif [ -n "$real" ]; then
    echo "Providers: from$real."
else
    # The simulator says which port it got; it keeps an account of what it served beside the data folder.
    "$weir" simulate --listen 127.0.0.1:0 --log "$data/simulated-served.log" 2>"$data/simulator.log" &
    simulator=$!
    while ! grep -q "Simulated provider on" "$data/simulator.log"; do
        kill -0 "$simulator" 2>/dev/null || { cat "$data/simulator.log" >&2; exit 1; }
        sleep 0.05
    done
    url=$(sed -n 's/.*Simulated provider on \(http:[^ ]*\).*/\1/p' "$data/simulator.log")
    cat > "$data/run.yaml" <<YAML
log:
  level: notice
providers:
  - name: simulated
    kind: simulated
    base_url: $url
YAML
    echo "No provider's key is in the environment: the simulated provider answers ($url)."
    set -- "$@" --config "$data/run.yaml"
fi

# The first key is made here and kept for the printed curl line; a later run finds it again.
if [ ! -f "$data/run.key" ]; then
    (umask 077; "$weir" init --data "$data" >"$data/run.key" 2>/dev/null) || rm -f "$data/run.key"
fi
"$weir" "$@" &
server=$!
while ! curl -fsS "http://$listen/healthz" >/dev/null 2>&1; do
    kill -0 "$server" 2>/dev/null || { [ -n "$simulator" ] && kill "$simulator"; exit 1; }
    sleep 0.1
done
key="YOUR_KEY"
if [ -f "$data/run.key" ]; then
    key=$(cat "$data/run.key")
else
    echo "This folder's first key was made before; make another: $weir key create --developer you --team default --data $data"
fi
case "$real" in
    *ANTHROPIC*) model="claude-haiku-4-5" ;;
    *) model="gpt-5-mini" ;;
esac
cat <<TEXT

Weir is ready on http://$listen   (Control-C ends it)
Key:     $key
Try:     curl http://$listen/v1/chat/completions -H "Authorization: Bearer $key" \\
           -H "Content-Type: application/json" -d '{"model":"$model","messages":[{"role":"user","content":"hello"}]}'
Report:  $weir report spend --by developer --data $data
Agents:  $weir connect claude-code --gateway http://$listen --key $key
           (or opencode, codex, crush, aider, …: docs/agents.md; undo with --undo)

TEXT
wait "$server" || { [ -n "$simulator" ] && kill "$simulator"; exit 1; }
stop
