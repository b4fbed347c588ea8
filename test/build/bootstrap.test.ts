import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { root } from "../../build/executables.ts";
import { run, start } from "../support/executable.ts";

/** Building and starting takes seconds on a busy machine. */
setDefaultTimeout(60_000);

const bootstrap = join(root, "build", "bootstrap.mjs");
/** No folder with node or npm in it: what a host has on which only Bun is installed. */
const bunOnly = { PATH: "/nonexistent" };

test("with Bun alone the trial is built, started, and stopped in good order", async () => {
  await using trial = await start([bootstrap, "start", "--"], { executable: process.execPath, env: bunOnly });
  expect((await fetch(`${trial.urls.api}/healthz`)).status).toBe(200);
  expect(trial.stderr() + trial.stdout()).toContain("cyberun: built ");
  expect(trial.stdout()).toContain("Dashboard");
  expect(await trial.stop()).toBe(0);
});

test("whoever ran the script and is killed takes the trial along, so that no port stays taken", async () => {
  await using trial = await start(["run", "start", "--"], { executable: process.execPath, cwd: root });
  const api = trial.urls.api;
  // Resolves when the last of them has let go of the output.
  await trial.kill();
  await expect(fetch(`${api}/healthz`)).rejects.toThrow();
});

test("an unknown step is refused with the list of them", async () => {
  const { exitCode, stderr } = await run([bootstrap, "bogus"], { executable: process.execPath, env: bunOnly });
  expect(exitCode).toBe(1);
  expect(stderr).toContain("start|build|test|check|docs|client|bench|drill");
});
