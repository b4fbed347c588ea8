import { describe, expect, test } from "bun:test";
import { commandNames, commandOf } from "../../src/cli/commands.ts";
import { exitCodes } from "../../src/cli/exit-codes.ts";
import { flagsOf } from "../../src/cli/help.ts";
import { defaultShown, settingNames, settingOf } from "../../src/config/table.ts";
import { faultCodes } from "../../src/fault.ts";
import { run } from "../support/command-line.ts";

describe("help", () => {
  test.each(commandNames)("of %s names each of its flags with variable and default", async (name) => {
    const { exit, out, err } = await run(["help", ...name.split(" ")]);
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    const plain = out.replace(/\s+/g, " ");
    for (const setting of commandOf(name).settings) {
      const row = settingOf(setting);
      expect(plain).toContain(`${row.flag} ${row.kind.placeholder} ${row.help}. [${row.variable}; default: ${defaultShown(row)}]`);
    }
    for (const { flag, default: shown } of flagsOf(name)) {
      expect(plain).toContain(` ${flag} `);
      expect(plain).toContain(`default: ${shown}]`);
    }
  });

  test.each(commandNames)("of %s is the same by flag", async (name) => {
    const words = name.split(" ");
    expect(await run([...words, "--help"])).toEqual(await run(["help", ...words]));
    expect(await run(["-h", ...words])).toEqual(await run(["help", ...words]));
  });

  test("lists every command, and those of a group", async () => {
    const all = await run(["help"]);
    for (const name of commandNames) expect(all.out).toContain(commandOf(name).purpose);
    const group = await run(["help", "license"]);
    expect(group.out).toContain("license inspect");
    expect(group.out).not.toContain("verify-self");
  });

  test("as JSON gives the same facts", async () => {
    const { out } = await run(["help", "license", "inspect", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ schema_version: 1, command: "license inspect", usage: "cyberun license inspect FILE [flags]" });
  });

  test("no line of help is wider than a terminal, but for a flag of its own", async () => {
    for (const name of commandNames) {
      const { out } = await run(["help", ...name.split(" ")]);
      expect(out.split("\n").filter((line) => line.length > 100)).toEqual([]);
    }
  });

  test("works in an environment that is full of mistakes", async () => {
    const environment = { CYBERUN_NOBODY_KNOWS: "1", CYBERUN_API_PORT: "x" };
    expect((await run(["help"], { environment })).exit).toBe(0);
    expect((await run(["version", "--json"], { environment })).exit).toBe(0);
  });
});

describe("flags", () => {
  test("no two settings share a flag, a variable or a key, and none has an option's flag", () => {
    const rows = settingNames.map(settingOf);
    for (const pick of ["flag", "variable", "name"] as const) expect(new Set(rows.map((row) => row[pick])).size).toBe(rows.length);
    for (const name of commandNames) {
      const flags = flagsOf(name).map(({ flag }) => flag);
      expect(new Set(flags).size).toBe(flags.length);
    }
  });

  test.each<[string, readonly string[], string]>([
    ["no command", [], "A command is missing."],
    ["an unknown command", ["serv"], 'There is no command "serv".'],
    ["half a command", ["license"], "cyberun license needs one more word."],
    ["a mistyped command of two words", ["license", "inspet", "x"], "Did you mean cyberun license inspect?"],
    ["an unknown flag", ["license", "inspect", "x", "--jsno"], "--jsno: there is no such flag. Did you mean --json?"],
    ["an unknown flag before any command", ["--jsno"], "--jsno"],
    ["another command's flag", ["license", "inspect", "x", "--data-dir", "/x"], "--data-dir: is no flag of cyberun license inspect"],
    ["a missing operand", ["license", "inspect"], "FILE: is missing. Usage: cyberun license inspect FILE [flags]"],
    ["a word too many", ["license", "inspect", "x", "y"], '"y": is one word too many'],
    ["a switch with a value", ["license", "inspect", "x", "--json=yes"], "--json: takes no value"],
    ["a flag without value", ["verify-self", "--sums"], "--sums: needs a value"],
    ["a flag whose value is the next flag", ["verify-self", "--sums", "--json"], "--sums: needs a value"],
    ["a flag given twice", ["verify-self", "--sums", "a", "--sums", "b"], "--sums: is given twice"],
  ])("%s is refused with exit code 2 and an empty standard output", async (_, argv, text) => {
    const { exit, out, err } = await run(argv);
    expect({ exit, out }).toEqual({ exit: 2, out: "" });
    expect(err).toContain(text);
  });

  test("all mistakes of a command line and its configuration are told together", async () => {
    const { err } = await run(["verify-self", "a", "--sums", "--nonsense", "b", "--bind=x"]);
    expect(err).toStartWith("cyberun: There are 4 mistakes");
  });

  test("what stands behind -- is no flag", async () => {
    expect((await run(["license", "inspect", "--", "--json"])).err).toContain("There is no file --json.");
  });
});

describe("output", () => {
  test("with --json a failure is one JSON object on standard error", async () => {
    const { exit, out, err } = await run(["license", "inspect", "/nowhere.lic", "--json"]);
    expect({ exit, out }).toEqual({ exit: 5, out: "" });
    expect(JSON.parse(err)).toEqual({
      schema_version: 1,
      error: { code: "not_found", message: "There is no file /nowhere.lic.", hint: "It was looked for at /nowhere.lic.", retryable: false },
    });
  });

  test("--version is the command version", async () => {
    expect(await run(["--version"])).toEqual(await run(["version"]));
    expect(JSON.parse((await run(["--version", "--json"])).out)).toMatchObject({ schema_version: 1, version: expect.any(String) });
  });

  test("every fault ends in a documented exit code, and none in 0", () => {
    for (const { exit } of Object.values(faultCodes)) {
      expect(exit).not.toBe(0);
      expect(Object.keys(exitCodes)).toContain(String(exit));
    }
  });
});
