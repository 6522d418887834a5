// hosts.mjs: OpenCode's two plugin hosts, as far as a plugin sees them. Each loads a file as the real one does, calls its
// hooks with the shapes that the real one makes, and gives the headers with which the model call would leave.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const GATEWAY = "https://gw.example";
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** A folder that goes with the test. */
export function folder(t, name = "weir-opencode-") {
  const made = mkdtempSync(path.join(os.tmpdir(), name));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** The plugin as it is installed: a file of its own, with the gateway filled in as the server fills it in. */
export function install(t, gateway = GATEWAY) {
  const place = path.join(folder(t), ".opencode", "plugins");
  mkdirSync(place, { recursive: true });
  const text = readFileSync(path.join(root, "clients/opencode/weir.js"), "utf8");
  if (text.split('\nconst GATEWAY = "";\n').length !== 2) throw new Error("the line to fill in is not there once");
  const filled = gateway ? text.replace('\nconst GATEWAY = "";\n', `\nconst GATEWAY = ${JSON.stringify(gateway)};\n`) : text;
  writeFileSync(path.join(place, "weir.js"), filled);
  // Bun takes every .js file for a module; Node before 22 wants to be told.
  writeFileSync(path.join(place, "package.json"), '{"type":"module"}');
  return path.join(place, "weir.js");
}

export function git(directory, ...words) {
  const identity = ["-c", "user.name=Maria", "-c", "user.email=maria@example.com", "-c", "protocol.file.allow=always"];
  const options = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
  return execFileSync("git", ["-C", directory, ...identity, ...words], options).trim();
}

/** A repository with one commit on `main`. */
export function repository(t, remote = "git@github.com:acme/shop.git") {
  const made = folder(t, "weir-repository-");
  git(made, "init", "--quiet", "--initial-branch=main");
  if (remote) git(made, "config", "remote.origin.url", remote);
  git(made, "commit", "--quiet", "--allow-empty", "--message=Begin");
  return made;
}

/** OpenCode 1 (1.18.29 and later): the default export's `server`, else every export as a plugin function. */
export async function openCode1(file, { directory, sessions = {}, get, options, provider = {} }) {
  const module = await import(pathToFileURL(file).href);
  const client = { session: { get: get ?? (async ({ path: { id } }) => ({ data: sessions[id] })) } };
  const input = { client, project: { id: "p1" }, directory, worktree: directory, serverUrl: new URL("http://127.0.0.1:4096") };
  const plugins = [];
  if (isRecord(module.default) && ["id", "server", "tui"].some((name) => name in module.default)) {
    const { id, server, tui } = module.default;
    if (typeof server !== "function" || tui !== undefined) throw new TypeError("must default export an object with server()");
    if (typeof id !== "string" || !id.trim()) throw new TypeError("a path plugin must export id");
    plugins.push(server);
  } else {
    for (const value of new Set(Object.values(module))) {
      if (typeof value !== "function") throw new TypeError("Plugin export is not a function");
      plugins.push(value);
    }
  }
  const hooks = [];
  for (const plugin of plugins) hooks.push(await plugin(input, options));
  return {
    hooks,
    /** What the bus tells every plugin; nobody waits for it. */
    async publish(type, properties) {
      for (const hook of hooks) await hook.event?.({ event: { type, properties } });
    },
    /** The headers of one model call (to the vendor's own address: no base URL, null). A hook that throws fails the call. */
    async call({ sessionID = "ses_1", parentID, agent = "build", baseURL = `${GATEWAY}/v1`, apiURL = "" } = {}) {
      const given = {
        sessionID, agent, message: { id: "msg_1", sessionID },
        provider: { id: "weir", source: "config", options: baseURL === null ? {} : { baseURL, apiKey: "k" }, ...provider },
        model: { id: "m", providerID: "weir", api: { id: "m", url: apiURL, npm: "@ai-sdk/openai-compatible" }, headers: {} },
      };
      const output = { headers: {} };
      for (const hook of hooks) await hook["chat.headers"]?.(given, output);
      return {
        "x-session-affinity": sessionID, "X-Session-Id": sessionID, ...(parentID ? { "x-parent-session-id": parentID } : {}),
        "User-Agent": "opencode/1.18.32", ...output.headers,
      };
    },
  };
}

/** OpenCode 2: the default export must be an object with `id` and `setup`; what else it holds is dropped. */
export async function openCode2(file, { directory, sessions = {}, get, options = {}, hasLocation = true, hook }) {
  const module = await import(pathToFileURL(file).href);
  const found = module.default;
  if (!isRecord(found) || typeof found.id !== "string" || typeof found.setup !== "function") {
    throw new TypeError("Plugin must export a default definition with an id and an effect or setup function.");
  }
  const definition = { id: found.id, setup: found.setup };
  const registered = {};
  const context = {
    app: { name: "opencode", version: "2.0.32" }, options,
    ...(hasLocation ? { location: { directory, project: { id: "p1", directory } } } : {}),
    session: {
      get: get ?? (async ({ sessionID }) => sessions[sessionID] ?? { id: sessionID, location: { directory } }),
      hook: hook ?? (async (name, callback) => {
        (registered[name] ??= []).push(callback);
        return { dispose: async () => {} };
      }),
    },
  };
  const cleanup = await definition.setup(context);
  if (cleanup !== undefined && typeof cleanup !== "function") throw new TypeError("setup gives a cleanup function or nothing");
  return {
    registered,
    async call({ sessionID = "ses_1", parentID, agent = "build", kind = "primary", baseURL = `${GATEWAY}/v1` } = {}) {
      const event = {
        sessionID, agent, kind, model: { id: "m", providerID: "weir" },
        ...(baseURL === null ? {} : { baseURL }),
        headers: {
          "x-opencode-session-id": sessionID, ...(parentID ? { "x-opencode-parent-session-id": parentID } : {}),
          "x-session-affinity": "aff_1", "X-Session-Id": "aff_1", ...(parentID ? { "x-parent-session-id": parentID } : {}),
          "User-Agent": "opencode/2.0.32", "x-opencode-project": "p1", "x-opencode-session": "aff_1",
          "x-opencode-client": "opencode",
        },
      };
      for (const callback of registered["model.request"] ?? []) await callback(event);
      if (event.baseURL !== (baseURL ?? undefined)) throw new Error("the plugin sent the call elsewhere");
      return event.headers;
    },
  };
}

/** What Weir's plugin said. */
export function labels(headers) {
  const ours = Object.entries(headers).filter(([name]) => name.startsWith("x-weir-"));
  return Object.fromEntries(ours.map(([name, value]) => [name.slice("x-weir-".length), value]));
}

/** Asks until the answer is what is waited for. */
export async function eventually(ask, isIt, milliseconds = 15_000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const found = await ask();
    if (isIt(found)) return found;
    if (Date.now() > end) throw new Error(`waited in vain; last: ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
