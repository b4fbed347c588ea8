/** Command lines of people against a test's API server: as a device, or signed in for one command. */
import type { Services } from "../../src/services.ts";
import { run, type Ran } from "./command-line.ts";
import { ownerAddress, PASSWORD } from "./people.ts";
import type { TestRoles } from "./roles.ts";
import type { Answers } from "./terminal.ts";

export interface Called extends Ran {
  // The tests read whatever member they expect; a missing one fails their expectation.
  readonly body: Readonly<Record<string, unknown>>;
  readonly error: Readonly<Record<string, unknown>>;
}

export interface PeopleCommands {
  /** As the owner's paired device, with `--json`. */
  device(words: readonly string[], answers?: Answers): Promise<Called>;
  /** As somebody who signs in with the password on standard input, with `--json`. */
  signedIn(words: readonly string[], email?: string): Promise<Called>;
  /** Nothing is added. */
  plain(words: readonly string[], answers?: Answers & { readonly environment?: Readonly<Record<string, string>>; readonly services?: Services }): Promise<Ran>;
  /** The device's key. */
  readonly deviceKey: string;
}

function called({ exit, out, err }: Ran): Called {
  const last = err.trimEnd().split("\n").at(-1) ?? "";
  return { exit, out, err, body: out === "" ? {} : JSON.parse(out), error: last.startsWith("{") ? JSON.parse(last).error : {} };
}

export async function peopleCommands(site: TestRoles): Promise<PeopleCommands> {
  const deviceKey = (await site.credentials()).device["authorization"]?.replace("Bearer ", "") ?? "";
  const base = { XDG_CONFIG_HOME: "/nowhere", CYBERUN_API_URL: site.urls.api };
  const { services } = site.world;
  return {
    deviceKey,
    device: async (words, answers = {}) => called(await run([...words, "--json"], { environment: { ...base, CYBERUN_API_KEY: deviceKey }, services, ...answers })),
    signedIn: async (words, email = ownerAddress) =>
      called(await run([...words, "--email", email, "--password-stdin", "--json"], { environment: base, services, input: `${PASSWORD}\n` })),
    plain: async (words, { environment = { CYBERUN_API_KEY: deviceKey }, ...answers } = {}) => await run(words, { environment: { ...base, ...environment }, services, ...answers }),
  };
}

/** Sessions that nobody has ended. */
export async function openSessions({ gate }: TestRoles): Promise<number> {
  const rows = await gate.store.read(async (reader) => await reader.select().from(reader.tables.sessions));
  return rows.filter(({ ended_at }) => ended_at === null).length;
}
