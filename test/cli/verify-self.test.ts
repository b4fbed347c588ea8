import { createHash } from "node:crypto";
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseSums, verifyExecutable } from "../../src/cli/verify-self.ts";
import { run } from "../support/command-line.ts";
import { temporaryFolder } from "../support/folder.ts";

const content = "stands for an executable";
const sum = createHash("sha256").update(content).digest("hex");
const against = (sumsFile: string | undefined) => ({ sumsFile, trust: { roots: [], known: undefined } });
const other = "0".repeat(64);

test.each<[string, string | undefined, string, number]>([
  ["its own sum", `${sum}  cyberun\n${other}  cyberun-vendor\n`, "match", 0],
  ["its own sum as a binary file, with a folder and Windows line ends", `${sum} *dist/cyberun\r\n`, "match", 0],
  ["its sum under another name", `${other}  a\n${sum}  b\n`, "match", 0],
  ["another sum", `${other}  cyberun\n${sum}  cyberun-vendor\n`, "mismatch", 6],
  ["one sum of another name", `${other}  cyberun-linux-x64\n`, "not_listed", 5],
  ["sums of other files only", `${other}  a\n${other}  b\n`, "not_listed", 5],
  ["no list", undefined, "no_sums", 5],
])("beside %s: %p gives %s and exit code %d", async (_, sums, verdict, exit) => {
  using folder = temporaryFolder();
  const executable = join(folder.path, "cyberun");
  writeFileSync(executable, content);
  if (sums !== undefined) writeFileSync(join(folder.path, "SHA256SUMS"), sums);
  const result = await verifyExecutable(executable, against(undefined));
  expect(result).toMatchObject({ exit, data: { verdict, sha256: sum, trusted_keys: [{ purpose: "trial" }] } });
  expect(result.text).toContain("compute the sum with another program");
});

test("a list that holds no sums is refused, and so is one that is not there", async () => {
  using folder = temporaryFolder();
  const executable = join(folder.path, "cyberun");
  writeFileSync(executable, content);
  await expect(verifyExecutable(executable, against(join(folder.path, "none")))).rejects.toMatchObject({ code: "not_found" });
  await expect(verifyExecutable(executable, against(executable))).rejects.toMatchObject({ code: "invalid_request" });
});

test("lines that are no sums are passed over", () => {
  expect([...parseSums(`# made today\n${sum}  a b\n${sum.toUpperCase()}  c\nshort  d\n`)]).toEqual([["a b", sum]]);
});

test("from source there is nothing to compare", async () => {
  expect(await run(["verify-self"])).toMatchObject({ exit: 2, out: "" });
});
