/** `cyberun oidc keys …`, on the store itself and through a running server's door. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { system } from "../../src/gate/caller.ts";
import { prepareSigningKey } from "../../src/oidc/key-rotation.ts";
import { run } from "../support/command-line.ts";
import { temporaryFolder } from "../support/folder.ts";
import { openDoorSite } from "../support/operator-door.ts";
import { makeTestDatabase, type TestDatabase } from "../support/store.ts";

type Environment = Readonly<Record<string, string>>;

function environmentOf({ dataDir, databaseUrl }: TestDatabase): Environment {
  return { CYBERUN_DATA_DIR: dataDir, ...(databaseUrl === undefined ? {} : { CYBERUN_DATABASE_URL: databaseUrl }) };
}

interface Answer {
  readonly schema_version: number;
  readonly keys: readonly { readonly kid: string; readonly alg: string; readonly state: string; readonly active_from: number }[];
  readonly changes: readonly { readonly kid: string; readonly alg: string; readonly active_from: number; readonly retires: string | null }[];
  readonly added: { readonly kid: string; readonly alg: string } | null;
  readonly successor: string | null;
}

/** A call that has to succeed, with its one line of JSON. */
async function json(words: readonly string[], environment: Environment): Promise<Answer> {
  const { exit, out, err } = await run(["oidc", "keys", ...words, "--json"], { environment });
  expect([words, exit, err]).toEqual([words, 0, ""]);
  expect(out.trimEnd()).not.toContain("\n");
  return JSON.parse(out);
}

const states = ({ keys }: Answer) => keys.map(({ alg, state }) => `${alg} ${state}`);

describe("on the store, while no server runs", () => {
  test("the life of keys: add, list, rotate, rotate again, at once, revoke", async () => {
    await using database = await makeTestDatabase();
    const environment = environmentOf(database);
    expect((await run(["oidc", "keys", "list"], { environment })).out).toContain("There is no key yet");
    const { added } = await json(["add", "--alg", "ES256"], environment);
    expect(added).toMatchObject({ alg: "ES256" });
    expect((await json(["add", "--alg", "ES256"], environment)).added).toBeNull();
    await json(["add", "--alg", "EdDSA"], environment);
    expect(states(await json(["list"], environment)).toSorted()).toEqual(["ES256 signing", "EdDSA signing"]);

    const { changes } = await json(["rotate", "--alg", "ES256"], environment);
    expect(changes).toMatchObject([{ alg: "ES256", retires: added?.kid }]);
    expect((await json(["rotate", "--alg", "ES256"], environment)).changes).toEqual([]);
    expect((await run(["oidc", "keys", "rotate", "--alg", "ES256"], { environment })).out).toContain("Nothing changes");
    expect(states(await json(["list"], environment)).toSorted()).toEqual(["ES256 pending", "ES256 signing", "EdDSA signing"]);

    const next = changes[0]?.kid ?? "";
    expect((await json(["rotate", "--now"], environment)).changes.map(({ alg, kid }) => [alg, kid === next])).toEqual([["ES256", true], ["EdDSA", false]]);
    expect(states(await json(["list"], environment)).toSorted()).toEqual(["ES256 retired", "ES256 signing", "EdDSA retired", "EdDSA signing"]);

    const { successor } = await json(["revoke", next], environment);
    expect(successor).not.toBeNull();
    expect((await json(["revoke", next], environment)).successor).toBeNull();
    const listed = await json(["list"], environment);
    expect(listed.keys.find(({ kid }) => kid === next)?.state).toBe("revoked");
    expect(listed.keys.find(({ kid }) => kid === successor)?.state).toBe("signing");
  });

  test("for people each key is one line that says what it does until when, and nothing private", async () => {
    await using database = await makeTestDatabase();
    const environment = environmentOf(database);
    const added = await run(["oidc", "keys", "add", "--alg", "ES256"], { environment });
    expect(added).toMatchObject({ exit: 0, out: expect.stringMatching(/^[\w-]{43}  ES256  signs from \d{4}-.* UTC\n$/) });
    const rotated = await run(["oidc", "keys", "rotate"], { environment });
    expect(rotated.out).toMatch(/^[\w-]{43}  ES256  signs from .* UTC; [\w-]{43} until then\n$/);
    const { out } = await run(["oidc", "keys", "list"], { environment });
    expect(out.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/^[\w-]{43}  ES256  pending  signs from .* UTC$/),
      expect.stringMatching(/^[\w-]{43}  ES256  signing  since .* UTC, until .* UTC, published until .* UTC$/),
    ]);
    expect((await run(["oidc", "keys", "list", "--json"], { environment })).out).not.toMatch(/private|sealed|"d"/);
  });

  test("under another master key nothing is made, rotated or revoked", async () => {
    await using database = await makeTestDatabase();
    using folder = temporaryFolder();
    const environment = environmentOf(database);
    const { added } = await json(["add", "--alg", "ES256"], environment);
    const wrong = join(folder.path, "master.key");
    writeFileSync(wrong, `${Buffer.alloc(32, 9).toString("base64url")}\n`, { mode: 0o600 });
    for (const words of [["add", "--alg", "EdDSA"], ["rotate"], ["rotate", "--now"], ["revoke", added?.kid ?? ""]]) {
      const answer = await run(["oidc", "keys", ...words, "--master-key-file", wrong], { environment });
      expect([words, answer]).toMatchObject([words, { exit: 3, out: "" }]);
      expect(answer.err).toContain("Restore master.key");
    }
    expect(states(await json(["list"], environment))).toEqual(["ES256 signing"]);
  });
});

test.each<[string, readonly string[], number, string]>([
  ["no third word", [], 2, "cyberun help oidc keys lists"],
  ["a word that is none", ["lst"], 2, "Did you mean cyberun oidc keys list?"],
  ["an algorithm that is none", ["rotate", "--alg", "none"], 2, "It can be ES256, EdDSA, RS256."],
  ["a shared secret", ["add", "--alg", "HS256"], 2, "It can be ES256, EdDSA, RS256."],
  ["adding nothing", ["add"], 2, "--alg is missing."],
  ["an algorithm that is not in use", ["rotate", "--alg", "RS256"], 5, "cyberun oidc keys add --alg RS256"],
  ["a key that is not there", ["revoke", "A".repeat(43)], 5, "cyberun oidc keys list"],
  ["a key whose name begins as a flag does", ["revoke", `-${"A".repeat(42)}`], 5, "cyberun oidc keys list"],
  ["a key whose name begins as a long flag does", ["revoke", `--${"A".repeat(41)}`], 5, "cyberun oidc keys list"],
  ["a flag that is none in place of a key", ["revoke", "--all"], 2, "--all"],
  ["revoking nothing", ["revoke"], 2, "KID"],
  ["a flag of another command", ["list", "--now"], 2, "--now"],
])("%s is refused", async (_what, words, exit, text) => {
  await using database = await makeTestDatabase();
  const environment = environmentOf(database);
  await json(["add", "--alg", "ES256"], environment);
  const answer = await run(["oidc", "keys", ...words], { environment });
  expect(answer).toMatchObject({ exit, out: "" });
  expect(answer.err).toContain(text);
});

test("through the door of a running server the same commands are answered by the server", async () => {
  await using home = await openDoorSite();
  const environment = { CYBERUN_DATA_DIR: home.dataDir };
  const { kid } = await prepareSigningKey(home.gate, system, undefined);
  expect((await json(["list"], environment)).keys).toMatchObject([{ kid, alg: "ES256", state: "signing" }]);
  const { changes } = await json(["rotate"], environment);
  expect(changes).toMatchObject([{ alg: "ES256", retires: kid }]);
  expect((await json(["revoke", kid], environment)).successor).toBe(changes[0]?.kid ?? "");
  expect((await json(["add", "--alg", "EdDSA"], environment)).added).toMatchObject({ alg: "EdDSA" });
  expect((await run(["oidc", "keys", "revoke", "nothing"], { environment })).exit).toBe(5);
  expect(await home.site.audited("signing_key.revoke")).toMatchObject([{ outcome: "done", actor: "operator", details: { is_repeat: false, successor: changes[0]?.kid } }]);
});
