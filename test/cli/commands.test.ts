/** The table of commands: what every row of a kind takes. */
import { describe, expect, test } from "bun:test";
import { commandNames, commandOf } from "../../src/cli/commands.ts";
import { deploymentCommands } from "../../src/cli/deployment-commands.ts";
import { optionNames, optionOf } from "../../src/cli/options.ts";
import { peopleCommands } from "../../src/cli/people-commands.ts";

const takes = (name: (typeof commandNames)[number]): readonly string[] => [...commandOf(name).options, ...commandOf(name).settings];
const [onHost, forPeople] = [Object.keys(deploymentCommands), Object.keys(peopleCommands)];

test.each(commandNames)("%s speaks JSON", (name) => {
  expect(takes(name)).toContain("json");
});

describe("each command has one way in", () => {
  test.each(commandNames.filter((name) => onHost.includes(name)))("%s is the operator's", (name) => {
    expect(takes(name)).toEqual(expect.arrayContaining(["dataDir", "databaseUrl", "masterKeyFile"]));
    for (const other of ["apiUrl", "profile", "passwordFile", "codeFile"]) expect(takes(name)).not.toContain(other);
  });

  test.each(commandNames.filter((name) => forPeople.includes(name)))("%s is a person's", (name) => {
    expect(takes(name)).toEqual(expect.arrayContaining(["apiUrl", "profile", "email", "team", "passwordFile", "passwordStdin", "codeFile"]));
    for (const other of ["dataDir", "databaseUrl", "masterKeyFile"]) expect(takes(name)).not.toContain(other);
  });
});

test("what deletes, removes, revokes or hands on is asked about", () => {
  const final = commandNames.filter((name) => (onHost.includes(name) || forPeople.includes(name)) && / (?:delete|remove|revoke|transfer)$/.test(name));
  expect(final).toEqual(["users delete", "teams transfer", "teams delete", "members remove", "keys revoke"]);
  for (const name of final) expect([name, takes(name).includes("yes")]).toEqual([name, true]);
});

test("no option takes a secret: passwords, codes, keys and tokens come from files", () => {
  const telling = optionNames.map(optionOf).filter(({ flag, placeholder }) => /password|secret|code|token|key/.test(flag) && placeholder !== undefined);
  expect(telling.map(({ flag, placeholder }) => `${flag} ${placeholder ?? ""}`)).toEqual(["--password-file FILE", "--client-secret-file FILE", "--code-file FILE"]);
});
