/**
 * The contract of the command line, walked over every command: what it says of itself, what it prints, how it fails, and that it
 * asks nobody where nobody sits. What each answers with `--json` the tests of the commands hold to its schema, one by one.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Compile } from "typebox/compile";
import { answerSchemas } from "../../src/cli/answer-schemas.ts";
import { commandNames, commandOf } from "../../src/cli/commands.ts";
import { exitCodes } from "../../src/cli/exit-codes.ts";
import { publishedAnswer, publishedFailure } from "../../src/cli/schema.ts";
import { faultCodes } from "../../src/fault.ts";
import { root } from "../../build/executables.ts";
import { run } from "../support/command-line.ts";
import { temporaryFolder } from "../support/folder.ts";

const failureShape = Compile(publishedFailure);
const words = (name: string) => name.split(" ");
const lastLine = (text: string) => text.trimEnd().split("\n").at(-1) ?? "";

/** A failure as it is promised: nothing on standard output, one documented object at the end of standard error, a documented code. */
function expectFailure({ exit, out, err }: { readonly exit: number; readonly out: string; readonly err: string }): void {
  expect(out).toBe("");
  const said: unknown = JSON.parse(lastLine(err));
  expect([failureShape.Check(said), lastLine(err)]).toEqual([true, lastLine(err)]);
  const { error }: { readonly error: { readonly code: keyof typeof faultCodes; readonly hint: string | null } } = JSON.parse(lastLine(err));
  expect(exit).toBe(faultCodes[error.code].exit);
  expect(Object.keys(exitCodes)).toContain(String(exit));
  expect([err, exit]).not.toEqual([err, 1]);
}

/** These run until they are stopped: nothing can be said of their end here, and the tests of executables start them. */
const lasting: readonly string[] = ["serve", "trial"];

describe.each(commandNames)("%s", (name) => {
  test("explains itself to programs", async () => {
    const { exit, out, err } = await run(["help", ...words(name), "--json"]);
    expect([exit, err]).toEqual([0, ""]);
    const { purpose } = commandOf(name);
    expect(JSON.parse(out)).toMatchObject({ schema_version: 1, command: name, purpose, usage: expect.stringContaining(`cyberun ${name}`) });
  });

  test("has a schema for what it prints, or says that it prints no object", async () => {
    const { exit, out, err } = await run(["schema", ...words(name)]);
    if (answerSchemas[name] === undefined) return expect([exit, err]).toEqual([5, expect.stringContaining("prints no JSON object")]);
    expect([exit, err]).toEqual([0, ""]);
    const published: object = JSON.parse(out);
    expect(published).toEqual({ ...publishedAnswer(name) });
    expect(out).not.toContain("additionalProperties\": false");
    expect(Compile(published).Check({ schema_version: 2 })).toBe(false);
  });

  test("refuses a flag that it does not know", async () => {
    const ended = await run([...words(name), "--no-such-flag", "--json"]);
    expectFailure(ended);
    expect(ended.exit).toBe(2);
    expect(ended.err).toContain("--no-such-flag");
  });

  test("stands in the completions and in the manual page", async () => {
    for (const shell of ["bash", "zsh", "fish"]) expect((await run(["completion", shell])).out.replaceAll("\\", "")).toContain(`'${name}'`);
    expect((await run(["man"])).out.replaceAll("\\", "")).toContain(`.SS "cyberun ${name}`);
  });
});

describe("alone on a host", () => {
  test.each(commandNames.filter((name) => !lasting.includes(name)))("%s ends with what it promises, and asks nobody", async (name) => {
    using folder = temporaryFolder();
    const environment = { CYBERUN_DATA_DIR: join(folder.path, "data"), XDG_CONFIG_HOME: folder.path, HOME: folder.path, CYBERUN_API_URL: "http://127.0.0.1:1", CYBERUN_LICENSE_SERVER_ADDRESSES: "http://127.0.0.1:1" };
    const takes: readonly string[] = commandOf(name).settings;
    const given = Object.fromEntries(Object.entries(environment).filter(([variable]) => !variable.startsWith("CYBERUN_") || takes.some((each) => variable === `CYBERUN_${each.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`)));
    const operands = (commandOf(name).operands ?? []).map(() => "nothing");
    const ended = await run([...words(name), ...operands, "--json"], { environment: given, workingDirectory: folder.path });
    expect(ended.err).not.toContain("?");
    if (ended.out === "") return expectFailure(ended);
    const said: unknown = JSON.parse(ended.out);
    expect(Compile(publishedAnswer(name) ?? {}).Check(said)).toBe(true);
    expect(Object.keys(exitCodes)).toContain(String(ended.exit));
  });
});

describe("standard output", () => {
  const command = [process.execPath, join(root, "src/main.ts"), "help", "--json"];

  test("comes whole through a pipe that is read late", async () => {
    // The shell takes its line byte by byte, long after the pipe was full for the first time.
    const child = Bun.spawn(["sh", "-c", `"$@" | { read -r line; printf %s "$line"; }`, "sh", ...command], { stdout: "pipe", stderr: "pipe" });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect(err).toBe("");
    const { commands }: { readonly commands: readonly { readonly command: string }[] } = JSON.parse(out);
    expect(commands.map(({ command: name }) => name)).toEqual([...commandNames]);
  });

  test("ends quietly when nobody reads it to its end", async () => {
    const child = Bun.spawn(["bash", "-c", `set -o pipefail; "$@" | head -c 10`, "bash", ...command], { stdout: "pipe", stderr: "pipe" });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect([await child.exited, out, err]).toEqual([0, '{"schema_v', ""]);
  });

  test("that cannot be written is said on standard error, with a code to try again by", async () => {
    const child = Bun.spawn(["sh", "-c", `exec "$@" > /dev/full`, "sh", ...command], { stdout: "pipe", stderr: "pipe" });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect([await child.exited, out, err]).toEqual([3, "", expect.stringContaining("cannot be written to standard output")]);
  });

  test("holds no colour, on a terminal or off it", async () => {
    for (const name of commandNames) expect((await run(["help", ...words(name)])).out).not.toContain("\u001b");
  });
});
