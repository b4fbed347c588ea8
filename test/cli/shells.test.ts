/** Completions in the shells themselves, and the manual page as its readers read it. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support/command-line.ts";
import { temporaryFolder } from "../support/folder.ts";
import { testNeeding } from "../support/skip.ts";

/** What the shell prints when it runs `lines` with the completion loaded; `SCRIPT` stands for its file. */
async function inShell(shell: string, lines: string): Promise<string> {
  using folder = temporaryFolder();
  const { out } = await run(["completion", shell]);
  const script = join(folder.path, "_cyberun");
  writeFileSync(script, out);
  const child = Bun.spawn([shell, ...(shell === "zsh" ? ["-f"] : []), "-c", lines.replaceAll("SCRIPT", script)], { env: { PATH: process.env["PATH"] ?? "", HOME: folder.path }, cwd: folder.path, stdout: "pipe", stderr: "pipe" });
  const [said, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect(errors).toBe("");
  return said.trim();
}

const inBash = (...typed: readonly string[]) => inShell("bash", `source SCRIPT; COMP_WORDS=(cyberun ${typed.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${typed.length}; compopt() { :; }; _cyberun; echo "\${COMPREPLY[@]}"`);

describe("bash", () => {
  test("completes groups, commands, flags and files", async () => {
    expect(await inBash("oidc", "cl")).toBe("clients");
    expect((await inBash("oidc", "clients", "")).split(" ")).toEqual(expect.arrayContaining(["list", "create", "rotate-secret"]));
    expect(await inBash("oidc", "clients", "list", "--js")).toBe("--json");
    expect(await inBash("license", "--json", "in")).toBe("inspect install");
    expect(await inBash("license", "inspect", "_cy")).toBe("_cyberun");
    expect(await inBash("serve", "--config", "_cy")).toBe("_cyberun");
    expect(await inBash("serve", "--api-port", "")).toBe("");
  });
});

testNeeding("zsh", "zsh reads its completion, which knows groups, commands and flags", async () => {
  expect(await inShell("zsh", `compdef() { :; }; source SCRIPT; _cyberun_path oidc clients list x; _cyberun_next 'oidc keys'; _cyberun_flags 'license inspect'`)).toBe("oidc clients list\nlist rotate revoke add\n--json --help");
});

testNeeding("fish", "fish completes groups, commands and flags, with what they are for", async () => {
  expect(await inShell("fish", `source SCRIPT; complete -C 'cyberun oidc cl'`)).toStartWith("clients\t");
  expect(await inShell("fish", `source SCRIPT; complete -C 'cyberun license inspect --js'`)).toStartWith("--json\tPrint one JSON object");
  expect(await inShell("fish", `source SCRIPT; complete -C 'cyberun oidc keys '`)).toContain("rotate\tHave the next signing keys take over before their time");
});

test("a shell that is not known is refused with those that are", async () => {
  expect(await run(["completion", "cmd"])).toMatchObject({ exit: 2, out: "", err: expect.stringContaining("bash, zsh, fish") });
});

testNeeding("mandoc", "the manual page is read without a complaint", async () => {
  using folder = temporaryFolder();
  const page = join(folder.path, "cyberun.1");
  writeFileSync(page, (await run(["man"])).out);
  const lint = Bun.spawn(["mandoc", "-Tlint", "-Werror", page], { stdout: "pipe", stderr: "pipe" });
  expect([await lint.exited, await lint.stdout.text()]).toEqual([0, ""]);
  const shown = Bun.spawn(["mandoc", "-Tutf8", page], { stdout: "pipe" });
  const text = (await shown.stdout.text()).replace(/.\u0008/g, "");
  for (const words of ["cyberun license inspect FILE", "EXIT STATUS", "--license-server-addresses URL,…"]) expect(text).toContain(words);
});
