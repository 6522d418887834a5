"""targets: the provider, and the gateways that are compared: nginx as a plain relay, LiteLLM's proxy, Weir."""

import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/kit"))
import weirkit  # noqa: E402

LOAD = ROOT / "Benchmarks/out/load"
LITELLM = ROOT / ".venv-bench/bin/litellm"
MODEL = "gpt-5.4-mini"


def load(verb, **options):
    """Runs a verb of the load generator and gives its document."""
    arguments = [str(LOAD), verb]
    for name, value in options.items():
        arguments.append(f"-{name.replace('_', '-')}={value}")
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(arguments)}: {done.stderr}")
    return json.loads(done.stdout)


class Provider(weirkit.Process):
    """The fake provider, plain or with TLS."""

    def __init__(self, certificate=None, private_key=None):
        arguments = [str(LOAD), "serve"]
        if certificate:
            arguments += ["-certificate", str(certificate), "-private-key", str(private_key)]
        super().__init__(arguments)
        self.address = self.wait_for_line(r"listening on (\S+)").group(1)
        self.is_tls = certificate is not None
        self.certificate = certificate
        self.url = f"{'https' if self.is_tls else 'http'}://{self.address}"


class Nginx:
    """nginx as a relay that only swaps the key: one worker, upstream keep-alive, no buffering of answers."""

    key = "any"
    verify = "bytes"

    def __init__(self, folder, provider):
        self.name = "nginx"
        self.port = weirkit.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True)
        tls = ""
        if provider.is_tls:
            tls = f"""
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {provider.certificate};
            proxy_ssl_name localhost;
            proxy_ssl_server_name on;
            proxy_ssl_protocols TLSv1.3;
            proxy_ssl_session_reuse on;"""
        (folder / "nginx.conf").write_text(f"""
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
user {os.environ.get('USER', 'root')};
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 10000000;
    client_max_body_size 64m;
    client_body_buffer_size 2m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream provider {{
        server {provider.address};
        keepalive 2048;
        keepalive_requests 10000000;
    }}
    server {{
        listen 127.0.0.1:{self.port} backlog=1024;
        location / {{
            proxy_pass {'https' if provider.is_tls else 'http'}://provider;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Authorization "Bearer sk-provider";
            proxy_buffering off;
            proxy_read_timeout 600s;{tls}
        }}
    }}
}}
""")
        self.process = weirkit.Process(
            ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"])
        weirkit.wait_until(lambda: _answers(self.port), what="nginx")

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.stop()


class LiteLLM:
    """LiteLLM's proxy: one worker, a master key, no database."""

    key = "sk-bench-master"
    verify = "events"

    def __init__(self, folder, provider):
        self.name = "LiteLLM"
        self.port = weirkit.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True)
        config = folder / "litellm.yaml"
        config.write_text(f"""
model_list:
  - model_name: {MODEL}
    litellm_params:
      model: openai/{MODEL}
      api_base: {provider.url}/v1
      api_key: sk-provider
general_settings:
  master_key: {self.key}
litellm_settings:
  telemetry: false
""")
        self.process = weirkit.Process(
            [str(LITELLM), "--config", str(config), "--host", "127.0.0.1", "--port", str(self.port), "--num_workers", "1"],
            weirkit.clean_environment(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="ERROR", NO_PROXY="*"), cwd=str(folder))
        weirkit.wait_until(lambda: _answers(self.port), seconds=120, what="LiteLLM")

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.kill()


class WeirTarget:
    """Weir as it is shipped: virtual key, attribution, metering, pricing, journal and ledger on. One event loop."""

    verify = "bytes"
    kind = "openai-compatible"

    def __init__(self, folder, provider, wrapper=()):
        self.name = "Weir"
        trust = f"\n    trust_roots: {provider.certificate}" if provider.is_tls else ""
        self.weir = weirkit.Weir(folder, f"""
event_loops: 1
log:
  level: notice
limits:
  upstream_connections_per_loop_max: 4096
providers:
  - name: bench
    kind: {self.kind}
    base_url: {provider.url}{'' if self.kind.startswith('anthropic') else '/v1'}
    api_key: ${{BENCH_PROVIDER_KEY}}
    price_provider: openai
    models: [{MODEL}]
    allow_private_addresses: true{trust}
""", {"BENCH_PROVIDER_KEY": "sk-provider"})
        self.weir.start(wrapper=wrapper)
        self.url = self.weir.url
        self.key = self.weir.key("--name", "bench")

    @property
    def pid(self):
        return self.weir.process.pid

    def stop(self):
        self.weir.stop()


class TranslatingWeir(WeirTarget):
    """Weir between a client of chat completions and a provider that speaks Anthropic Messages alone."""

    verify = "events"
    kind = "anthropic-compatible"


def _answers(port):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=2)
        return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def versions():
    """What was measured against what."""
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr
    litellm = ""
    if LITELLM.exists():
        litellm = subprocess.run(
            [str(LITELLM.parent / "pip"), "show", "--disable-pip-version-check", "litellm"], capture_output=True, text=True).stdout
    return {
        "nginx": re.search(r"nginx/(\S+)", nginx).group(1),
        "litellm": (re.search(r"Version: (\S+)", litellm) or [None, "not installed"])[1],
    }
