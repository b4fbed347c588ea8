/** `cyberun audit export` and `audit verify`, on the store itself and through a running server's door. */
import { describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { run } from "../support/command-line.ts";
import { temporaryFolder } from "../support/folder.ts";
import { openDoorSite } from "../support/operator-door.ts";

const admin = ["admin", "create", "--email", "ada@example.com", "--password-stdin"];

describe("on the store itself", () => {
  test("the log is exported as lines, verified as whole, and a cut tail ends in 6", async () => {
    using folder = temporaryFolder();
    const environment = { CYBERUN_DATA_DIR: join(folder.path, "data") };
    expect((await run(admin, { environment, input: "correct horse battery\n" })).exit).toBe(0);
    const exported = await run(["audit", "export"], { environment });
    expect([exported.exit, exported.err]).toEqual([0, ""]);
    const rows: { operation: string; chain: string }[] = exported.out.trimEnd().split("\n").map((line) => JSON.parse(line));
    expect(rows.map(({ operation }) => operation)).toEqual(["administrator.create"]);
    expect(await run(["audit", "verify"], { environment })).toEqual({ exit: 0, out: "The audit log is whole: 1 rows in 1 chain, borne out by the anchor.\n", err: "" });

    expect((await run([...admin.with(3, "grace@example.com")], { environment, input: "correct horse battery\n" })).exit).toBe(0);
    const database = new Database(join(folder.path, "data", "cyberun.db"));
    database.run("delete from audit where sequence = 2");
    database.close();
    const { exit, out } = await run(["audit", "verify", "--json"], { environment });
    expect([exit, JSON.parse(out)]).toEqual([
      6,
      { schema_version: 1, is_whole: false, rows: 1, streams: 1, anchored_ends: 1, breach: { stream: "main", sequence: 2, problem: "The rows up to 2 are missing: the anchor has seen them." } },
    ]);
    // What was done after is in the log, and the loss is still told.
    expect((await run([...admin.with(3, "joan@example.com")], { environment, input: "correct horse battery\n" })).exit).toBe(0);
    expect((await run(["audit", "verify"], { environment })).exit).toBe(6);
  });

  test("a filter that cannot be right is refused, and nothing is printed", async () => {
    using folder = temporaryFolder();
    const environment = { CYBERUN_DATA_DIR: join(folder.path, "data") };
    expect((await run(admin, { environment, input: "correct horse battery\n" })).exit).toBe(0);
    const { exit, out, err } = await run(["audit", "export", "--outcome", "maybe"], { environment });
    expect([exit, out]).toEqual([2, ""]);
    expect(err).toContain("outcome");
  });

  test("where there is no data directory, that is said", async () => {
    expect((await run(["audit", "verify"], { environment: { CYBERUN_DATA_DIR: "/nonexistent/cyberun" } })).exit).toBe(5);
  });
});

test("through the running server's door the same lines come out, filtered", async () => {
  await using home = await openDoorSite();
  const environment = { CYBERUN_DATA_DIR: home.dataDir };
  const { exit, out } = await run(["audit", "export", "--operation", "license.start"], { environment });
  expect(exit).toBe(0);
  expect(out.trimEnd().split("\n").map((line) => JSON.parse(line).operation)).toEqual(["license.start"]);
  // The door's double keeps no anchor, which is a finding too.
  expect((await run(["audit", "verify"], { environment })).out).toContain("There is no anchor");
});
