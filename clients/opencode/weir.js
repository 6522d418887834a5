// weir.js: the OpenCode plugin of Weir. It tells the gateway which repository, branch, commit, session and agent a model call
// belongs to. It changes nothing else, needs no package, and serves OpenCode 1 (`server`, hook `chat.headers`; 1.18.29 or
// later) and OpenCode 2 (`setup`, hook `model.request`). Put it into `~/.config/opencode/plugins/` or `.opencode/plugins/`.
//
// Headers are added only to calls whose base URL is on a gateway that is named here: in GATEWAY below (whoever serves or
// installs this file fills it in), in the plugin's option `gateway` (a text or a list), or in the variable WEIR_GATEWAY
// (a text, several with spaces between). With none named, or another provider called, nothing is added.
//
// There is one export, the default one: OpenCode 1 takes every further export of a plugin file for a plugin.

import { execFile } from "node:child_process";

const GATEWAY = "";

/** A model call never waits longer than this for what is read about it. */
const WAIT_MS = 50;
/** A branch is read again when what is known of it is older than this. */
const FRESH_MS = 2000;
/** A git that answers later than this is ended. */
const GIT_MS = 2000;
const VALUE_LENGTH_MAX = 256;
const SESSIONS_MAX = 1000;

export default { id: "weir", server, setup };

/** OpenCode 1: gives the hooks. */
async function server(input, options) {
  const gateways = gatewayOrigins(options);
  const directory = input?.directory || input?.worktree;
  void checkout(directory); // So that the first call finds it read.
  // A session's parent never changes. OpenCode 1 tells it when the session is made; of an older session it is asked.
  const parents = boundedCache(async (id) => (await input.client.session.get({ path: { id } }))?.data?.parentID);
  return {
    event: async ({ event } = {}) => {
      const info = event?.type === "session.created" ? event.properties?.info : undefined;
      if (info?.id) parents.put(info.id, info.parentID);
    },
    "chat.headers": async (call, output) => {
      try {
        const provider = call.provider?.info ?? call.provider;
        if (!gateways.has(originOf(provider?.options?.baseURL || call.model?.api?.url))) return;
        const agent = typeof call.agent === "string" ? call.agent : call.agent?.name;
        const [labels, parent] = await Promise.all([checkout(directory), inTime(parents.get(call.sessionID))]);
        output.headers ??= {};
        write(output.headers, { ...labels, session: call.sessionID, "parent-session": parent, agent });
      } catch {} // Attribution never stops a call.
    },
  };
}

/** OpenCode 2: registers the hook. */
async function setup(ctx) {
  try {
    const gateways = gatewayOrigins(ctx.options);
    const sessions = boundedCache((sessionID) => ctx.session.get({ sessionID }));
    const here = ctx.location?.directory;
    void checkout(here); // So that the first call finds it read.
    await ctx.session.hook("model.request", async (event) => {
      try {
        if (!gateways.has(originOf(event.baseURL))) return;
        event.headers ??= {};
        let parent = event.headers["x-opencode-parent-session-id"] ?? event.headers["x-parent-session-id"];
        let directory = here;
        if (!directory) {
          const session = await inTime(sessions.get(event.sessionID));
          directory = session?.location?.directory;
          parent ??= session?.parentID;
        }
        const labels = await checkout(directory);
        // Titles and summaries run as an agent of their own in OpenCode 1; OpenCode 2 says so in `kind`.
        const agent = event.kind && event.kind !== "primary" ? event.kind : event.agent;
        write(event.headers, { ...labels, session: event.sessionID, "parent-session": parent, agent });
      } catch {} // Attribution never stops a call.
    });
  } catch {} // An OpenCode without this hook goes on without these headers.
}

function write(headers, labels) {
  for (const [name, label] of Object.entries(labels)) {
    const value = headerValue(label);
    if (value) headers[`x-weir-${name}`] = value;
  }
}

/** A label as a header may carry it: printable ASCII, anything else percent-encoded. */
function headerValue(label) {
  if (typeof label !== "string") return "";
  return label.trim().replace(/[^\x20-\x7e]/gu, encodeURIComponent).slice(0, VALUE_LENGTH_MAX);
}

function gatewayOrigins(options) {
  const named = [GATEWAY, options?.gateway, (process.env.WEIR_GATEWAY ?? "").split(/\s+/)].flat();
  const origins = new Set(named.map(originOf));
  origins.delete("");
  return origins;
}

/** Scheme, host and port; nothing for what is no URL. */
function originOf(url) {
  try {
    return new URL(url).origin.replace(/^null$/, "");
  } catch {
    return "";
  }
}

const checkouts = new Map();

/** Repository, branch and commit of a folder, as fresh as can be had in time. */
async function checkout(directory) {
  if (!directory) return {};
  if (!checkouts.has(directory)) checkouts.set(directory, { labels: {}, readAt: -Infinity });
  const kept = checkouts.get(directory);
  if (performance.now() - kept.readAt < FRESH_MS) return kept.labels;
  kept.reading ??= readCheckout(directory).then((labels) => {
    Object.assign(kept, { labels, readAt: performance.now(), reading: undefined });
  });
  await inTime(kept.reading);
  return kept.labels;
}

async function readCheckout(directory) {
  const [remotes, branch, commit] = await Promise.all([
    // As it is configured: `git remote get-url` would give what `url.*.insteadOf` makes of it, a mirror perhaps.
    git(directory, "config", "--get-regexp", "^remote\\..+\\.url$"),
    git(directory, "symbolic-ref", "--quiet", "--short", "HEAD"),
    git(directory, "rev-parse", "--quiet", "--verify", "HEAD"),
  ]);
  const lines = remotes.split("\n");
  const remote = lines.find((line) => line.startsWith("remote.origin.url ")) ?? lines[0];
  return { repo: repositoryName(remote.slice(remote.indexOf(".url ") + 5)), branch, commit };
}

/** What git prints, or nothing: no git, no repository and no commit are all the same here. */
function git(directory, ...words) {
  return new Promise((resolve) => {
    try {
      const env = { ...process.env, GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0" };
      // A hook's own variables would lead git elsewhere.
      for (const name of ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE"]) delete env[name];
      execFile(
        "git", ["-C", directory, ...words], { env, timeout: GIT_MS, windowsHide: true },
        (error, printed) => resolve(error ? "" : String(printed).trim()));
    } catch {
      resolve("");
    }
  });
}

/** `host/path` of a remote, as Weir's own `normaliseRepository` spells it: without user, password, query and `.git`.
 *  Nothing for a local path, which is nobody's business. */
function repositoryName(remote) {
  if (remote.length > 512 || !/^[\x21-\x7e]+$/.test(remote)) return "";
  const scheme = /^([^/:]*):\/\//.exec(remote)?.[1];
  if (scheme !== undefined && !/^(https?|ssh|git|git\+ssh|git\+https)$/i.test(scheme)) return "";
  const isURL = scheme !== undefined;
  let rest = remote.slice(isURL ? scheme.length + 3 : 0).replace(/[?#].*$/, "");
  // Everything up to the last @ before the path is user information; a secret may hold @ and :.
  const authority = rest.split("/", 1)[0];
  rest = rest.slice(authority.lastIndexOf("@") + 1);
  const [, rawHost, rawPath] = (isURL ? /^([^/]*)\/(.*)$/ : /^([^/:]*):(.*)$/).exec(rest) ?? [];
  if (rawHost === undefined) return "";
  const host = rawHost.toLowerCase().replace(/:(443|80|22|9418)?$/, "");
  const [name, port] = host.split(/:(.*)/s, 2);
  if (port !== undefined && !/^\d+$/.test(port)) return "";
  const isDotted = /^[a-z0-9-][a-z0-9.-]*$/.test(name) && name.includes(".") && !name.endsWith(".") && name.length <= 253;
  if (!isDotted && name !== "localhost") return "";
  const path = rawPath.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "");
  const isPath = path.length <= 200 && !/[@:\\]/.test(path) && path.split("/").every((part) => !/^\.{0,2}$/.test(part));
  return isPath ? `${host}/${path}` : "";
}

/** What a promise gives, or undefined when it fails or takes too long. */
async function inTime(promise) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, WAIT_MS)));
  try {
    return await Promise.race([promise, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** What `make` gives for each key, made once; a failure is tried again. */
function boundedCache(make) {
  const kept = new Map();
  const put = (key, promise) => {
    if (kept.size >= SESSIONS_MAX) kept.delete(kept.keys().next().value);
    kept.set(key, promise);
    promise.catch(() => kept.delete(key));
    return promise;
  };
  return { put: (key, value) => put(key, Promise.resolve(value)),
    get: (key) => kept.get(key) ?? put(key, Promise.resolve(key).then(make)) };
}
