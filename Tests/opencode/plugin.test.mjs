// What the plugin says of a checkout, to hosts of both versions of OpenCode, with real git repositories.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { GATEWAY, eventually, folder, git, install, labels, openCode1, openCode2, repository } from "./hosts.mjs";

const versions = [["1", openCode1], ["2", openCode2]];
const remotes = JSON.parse(readFileSync(new URL("../../Fixtures/opencode/remotes.json", import.meta.url), "utf8"));

/** The labels of a call, once the checkout was read (a first call may come too early for it). */
async function read(host, call, wanted = "commit") {
  return labels(await eventually(() => host.call(call), (headers) => headers[`x-weir-${wanted}`] !== undefined));
}

test("there is one export and it is what both hosts take", async (t) => {
  const module = await import(pathToFileURL(install(t)).href);
  assert.deepEqual(Object.keys(module), ["default"]);
  assert.deepEqual(Object.keys(module.default), ["id", "server", "setup"]);
});

test("it imports nothing but Node's own modules", () => {
  const text = readFileSync(new URL("../../clients/opencode/weir.js", import.meta.url), "utf8");
  const imported = [...text.matchAll(/\bimport\b[^;]*?["']([^"']+)["']/g)].map((found) => found[1]);
  assert.ok(imported.length > 0 && imported.every((name) => name.startsWith("node:")));
  assert.ok(text.split("\n").length <= 200);
});

for (const [version, open] of versions) {
  test(`OpenCode ${version}: a call says repository, branch, commit, session and agent`, async (t) => {
    const directory = repository(t);
    const host = await open(install(t), { directory });
    assert.deepEqual(await read(host, { sessionID: "ses_a", agent: "plan" }), {
      repo: "github.com/acme/shop", branch: "main", commit: git(directory, "rev-parse", "HEAD"), session: "ses_a", agent: "plan",
    });
  });

  test(`OpenCode ${version}: what the host sends by itself stays as it is`, async (t) => {
    const directory = repository(t);
    const host = await open(install(t), { directory });
    const foreign = await host.call({ baseURL: "https://api.openai.com/v1" });
    const ours = await host.call();
    for (const [name, value] of Object.entries(foreign)) assert.equal(ours[name], value);
  });

  test(`OpenCode ${version}: a foreign provider is told nothing`, async (t) => {
    const directory = repository(t);
    const host = await open(install(t), { directory });
    await read(host);
    const foreign = [
      "https://api.openai.com/v1", "https://gw.example.evil.com/v1", "https://evil.com/https://gw.example/v1",
      "https://gw.example@evil.com/v1", "http://gw.example/v1", "https://gw.example:8443/v1", "gw.example/v1", "", null,
    ];
    for (const baseURL of foreign) assert.deepEqual(labels(await host.call({ baseURL })), {}, `told ${baseURL}`);
    for (const baseURL of ["https://gw.example", "https://GW.example:443/v1/", "https://gw.example/anthropic/v1"]) {
      assert.equal(labels(await host.call({ baseURL })).repo, "github.com/acme/shop", `not told ${baseURL}`);
    }
  });

  test(`OpenCode ${version}: the gateway is named in the file, by an option, or by a variable`, async (t) => {
    const directory = repository(t);
    const repo = async (gateway, options) => {
      const host = await open(install(t, gateway), { directory, options });
      const headers = await host.call();
      return labels(headers).session;
    };
    assert.equal(await repo(""), undefined, "nobody is named");
    assert.equal(await repo("nonsense"), undefined);
    assert.equal(await repo("https://gw.example/opencode/config"), "ses_1", "an address on the gateway is enough");
    assert.equal(await repo(["https://other.example", GATEWAY]), "ses_1");
    assert.equal(await repo("", { gateway: GATEWAY }), "ses_1");
    assert.equal(await repo("", { gateway: ["https://other.example", GATEWAY] }), "ses_1");
    assert.equal(await repo("", { gateway: 7 }), undefined);
    process.env.WEIR_GATEWAY = ` https://other.example  ${GATEWAY} `;
    t.after(() => delete process.env.WEIR_GATEWAY);
    assert.equal(await repo(""), "ses_1");
  });

  test(`OpenCode ${version}: a switch of the branch and a new commit are seen`, async (t) => {
    const directory = repository(t);
    const host = await open(install(t), { directory });
    const before = await read(host);
    git(directory, "switch", "--quiet", "--create", "feature/basket");
    git(directory, "commit", "--quiet", "--allow-empty", "--message=Second");
    const after = await eventually(async () => labels(await host.call()), (found) => found.commit !== before.commit);
    assert.equal(after.commit, git(directory, "rev-parse", "HEAD"));
    assert.equal(after.branch, "feature/basket");
  });

  test(`OpenCode ${version}: a detached head has a commit and no branch; a new repository has a branch and no commit`, async (t) => {
    const detached = repository(t);
    git(detached, "switch", "--quiet", "--detach");
    const found = await read(await open(install(t), { directory: detached }));
    assert.equal(found.branch, undefined);
    assert.equal(found.commit, git(detached, "rev-parse", "HEAD"));
    const fresh = folder(t);
    git(fresh, "init", "--quiet", "--initial-branch=trunk");
    git(fresh, "remote", "add", "origin", "https://github.com/acme/new.git");
    const unborn = await read(await open(install(t), { directory: fresh }), {}, "branch");
    assert.deepEqual([unborn.repo, unborn.branch, unborn.commit], ["github.com/acme/new", "trunk", undefined]);
  });

  test(`OpenCode ${version}: worktrees, submodules, folders inside and packed references`, async (t) => {
    const directory = repository(t);
    mkdirSync(path.join(directory, "src", "deep"), { recursive: true });
    git(directory, "pack-refs", "--all");
    const inside = await read(await open(install(t), { directory: path.join(directory, "src", "deep") }));
    assert.deepEqual([inside.repo, inside.branch], ["github.com/acme/shop", "main"]);
    const tree = path.join(folder(t), "tree");
    git(directory, "worktree", "add", "--quiet", "-b", "side", tree);
    const side = await read(await open(install(t), { directory: tree }));
    assert.deepEqual([side.repo, side.branch], ["github.com/acme/shop", "side"]);
    const library = repository(t, null);
    git(directory, "submodule", "add", "--quiet", library, "library");
    const module = path.join(directory, "library");
    git(module, "remote", "set-url", "origin", "https://github.com/acme/library");
    const sub = await read(await open(install(t), { directory: module }));
    assert.equal(sub.repo, "github.com/acme/library");
  });

  test(`OpenCode ${version}: a repository whose remote is not called origin`, async (t) => {
    const directory = repository(t, null);
    git(directory, "remote", "add", "upstream", "https://token@github.com/acme/fork.git");
    assert.equal((await read(await open(install(t), { directory }))).repo, "github.com/acme/fork");
  });

  test(`OpenCode ${version}: a remote that git would fetch from a mirror keeps its own name`, async (t) => {
    const directory = repository(t);
    git(directory, "config", "url./srv/mirror/.insteadOf", "git@github.com:");
    assert.equal((await read(await open(install(t), { directory }))).repo, "github.com/acme/shop");
  });

  test(`OpenCode ${version}: sub-agents name their parent`, async (t) => {
    const directory = repository(t);
    const sessions = { ses_child: { id: "ses_child", parentID: "ses_root", location: { directory } } };
    const host = await open(install(t), { directory, sessions });
    const found = labels(await host.call({ sessionID: "ses_child", parentID: "ses_root", agent: "explore" }));
    assert.deepEqual([found.session, found["parent-session"], found.agent], ["ses_child", "ses_root", "explore"]);
    assert.equal(labels(await host.call({ sessionID: "ses_root" }))["parent-session"], undefined);
  });

  test(`OpenCode ${version}: a branch in any script goes over the wire and stays readable`, async (t) => {
    const directory = repository(t);
    git(directory, "switch", "--quiet", "--create", `für/Änderung-${"x".repeat(230)}`);
    const host = await open(install(t), { directory });
    const headers = await eventually(() => host.call(), (found) => found["x-weir-branch"] !== undefined);
    const arrived = await new Promise((resolve, reject) => {
      const server = http.createServer((request, response) => {
        response.end();
        resolve(request.headers);
      });
      t.after(() => server.close());
      server.listen(0, "127.0.0.1", () => {
        fetch(`http://127.0.0.1:${server.address().port}/`, { headers }).then((answer) => answer.text()).catch(reject);
      });
    });
    assert.ok(arrived["x-weir-branch"].startsWith("f%C3%BCr/%C3%84nderung-xxx"));
    assert.ok(arrived["x-weir-branch"].length <= 256);
  });

  test(`OpenCode ${version}: git's variables of a hook do not lead it elsewhere`, async (t) => {
    const [directory, other] = [repository(t), repository(t, "https://github.com/acme/other")];
    process.env.GIT_DIR = path.join(other, ".git");
    t.after(() => delete process.env.GIT_DIR);
    const host = await open(install(t), { directory });
    assert.equal((await eventually(async () => labels(await host.call()), (found) => found.commit)).repo, "github.com/acme/shop");
  });

  test(`OpenCode ${version}: remotes lose their secrets, and local paths are nobody's business`, async (t) => {
    for (const { remote, name } of remotes) {
      const directory = repository(t, remote);
      const headers = await eventually(
        async () => (await open(install(t), { directory })).call(), (found) => found["x-weir-commit"] !== undefined);
      assert.equal(headers["x-weir-repo"], name ?? undefined, remote);
      assert.doesNotMatch(JSON.stringify(headers), /s3cret|home\/me/, remote);
    }
  });
}

test("OpenCode 1: a parent is known from the event, without asking", async (t) => {
  const asked = [];
  const host = await openCode1(install(t), {
    directory: repository(t), get: async ({ path: { id } }) => asked.push(id) && { data: { id } },
  });
  await host.publish("session.created", { info: { id: "ses_child", parentID: "ses_root" } });
  await host.publish("session.idle", { sessionID: "ses_child" });
  await host.publish("server.connected", undefined);
  for (let count = 0; count < 3; count += 1) {
    assert.equal(labels(await host.call({ sessionID: "ses_child" }))["parent-session"], "ses_root");
    assert.equal(labels(await host.call({ sessionID: "ses_old" }))["parent-session"], undefined);
  }
  assert.deepEqual(asked, ["ses_old"], "asked once, and only of a session that is not known");
});

test("OpenCode 1: the base URL is the provider's option, else the model's own; older shapes are read too", async (t) => {
  const directory = repository(t);
  const host = await openCode1(install(t), { directory });
  assert.equal(labels(await host.call({ baseURL: null, apiURL: `${GATEWAY}/v1` })).session, "ses_1");
  assert.deepEqual(labels(await host.call({ baseURL: "https://api.openai.com/v1", apiURL: `${GATEWAY}/v1` })), {});
  const older = await openCode1(install(t), { directory, provider: { info: { options: { baseURL: `${GATEWAY}/v1` } } } });
  assert.equal(labels(await older.call({ agent: { name: "build" } })).agent, "build");
});

test("OpenCode 2: titles and summaries are an agent of their own, as in OpenCode 1", async (t) => {
  const host = await openCode2(install(t), { directory: repository(t) });
  assert.deepEqual(Object.keys(host.registered), ["model.request"]);
  for (const kind of ["title", "compaction", "generate"]) assert.equal(labels(await host.call({ kind })).agent, kind);
});

test("OpenCode 2: without a location the session says where it is and whose it is", async (t) => {
  const directory = repository(t);
  const sessions = { ses_child: { id: "ses_child", parentID: "ses_root", location: { directory } } };
  const host = await openCode2(install(t), { directory, sessions, hasLocation: false });
  const found = await read(host, { sessionID: "ses_child" });
  assert.deepEqual([found.repo, found["parent-session"]], ["github.com/acme/shop", "ses_root"]);
});

for (const [version, open] of versions) {
  test(`OpenCode ${version}: without git, or without a repository, there is a session and no noise`, async (t) => {
    const outside = folder(t);
    const bare = await open(install(t), { directory: outside });
    assert.deepEqual(labels(await bare.call()), { session: "ses_1", agent: "build" });
    const gone = await open(install(t), { directory: path.join(outside, "gone") });
    assert.deepEqual(labels(await gone.call()), { session: "ses_1", agent: "build" });
    const directory = repository(t);
    const had = process.env.PATH;
    process.env.PATH = outside;
    t.after(() => (process.env.PATH = had));
    const without = await open(install(t), { directory });
    assert.deepEqual(labels(await without.call()), { session: "ses_1", agent: "build" });
  });

  test(`OpenCode ${version}: a git that hangs delays no call`, async (t) => {
    const directory = repository(t);
    const tools = folder(t);
    writeFileSync(path.join(tools, "git"), "#!/bin/sh\nexec sleep 20\n", { mode: 0o755 });
    const had = process.env.PATH;
    process.env.PATH = `${tools}${path.delimiter}${had}`;
    t.after(() => (process.env.PATH = had));
    const host = await open(install(t), { directory });
    const began = performance.now();
    assert.deepEqual(labels(await host.call()), { session: "ses_1", agent: "build" });
    assert.ok(performance.now() - began < 500, "far below what git would have taken");
  });

  test(`OpenCode ${version}: a host that fails to say more of a session is left alone`, async (t) => {
    const directory = repository(t);
    const odd = [
      async () => { throw new Error("gone"); }, () => { throw new Error("gone at once"); }, async () => undefined,
      () => new Promise(() => {}),
    ];
    for (const get of odd) {
      const host = await open(install(t), { directory, get, hasLocation: false });
      const began = performance.now();
      assert.equal(labels(await host.call()).session, "ses_1");
      assert.ok(performance.now() - began < 500);
    }
  });
}

test("a call of a shape that nobody knows is let through as it is", async (t) => {
  const directory = repository(t);
  const first = await openCode1(install(t), { directory });
  for (const call of [undefined, null, {}, { provider: null, model: null }, { provider: { options: { baseURL: GATEWAY } } }]) {
    await first.hooks[0]["chat.headers"](call, { headers: {} });
    await first.hooks[0]["chat.headers"](call, undefined);
  }
  await first.hooks[0].event(undefined);
  const second = await openCode2(install(t), { directory });
  for (const event of [undefined, null, {}, { baseURL: GATEWAY }, { baseURL: GATEWAY, headers: Object.freeze({}) }]) {
    await second.registered["model.request"][0](event);
  }
});

test("a host without the hook loads the plugin all the same", async (t) => {
  const directory = repository(t);
  await openCode2(install(t), { directory, hook: async () => { throw new Error("no such hook"); } });
  await openCode2(install(t), { directory, hook: () => { throw new Error("no such hook"); } });
});
