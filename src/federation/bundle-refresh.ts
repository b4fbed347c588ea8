/**
 * Newer bundles over the network, from sites whose rules say so: looked for when the site's own hint says, and taken by the
 * same door as a file. A follower asks the site that leads for its keys in the same round.
 *
 * Rule: the network brings nothing that a file could not. What fails is written beside the site.
 */
import { eq, isNull } from "drizzle-orm";
import { Type } from "typebox";
import { parseStrictJson, StrictJsonError } from "../crypto/strict-json.ts";
import { dial, type DialRequest } from "../dialler.ts";
import { Fault } from "../fault.ts";
import { system } from "../gate/caller.ts";
import { command, type Gate, query } from "../gate/operation.ts";
import { shapeOf } from "../shape.ts";
import { preparePull } from "./key-pull.ts";
import { importKeys } from "./key-standing.ts";
import { importBundle } from "./site-operations.ts";
import { SITES_MAX, siteOf } from "./sites.ts";

const PROBLEM_CHARACTERS_MAX = 200;
const answerShape = shapeOf(Type.Object({ keys: Type.String() }));

/** What came of one look. */
export interface Look {
  /** Of the site; null for the keys of the one that leads. */
  readonly id: string | null;
  /** Null when it went well. */
  readonly problem: string | null;
}

const noteLook = command("federation_refresh.note", async ({ writer, services }, { id, problem }: Look): Promise<void> => {
  const { federationSites: sites, federationKeyState: state } = writer.tables;
  const set = { checked_at: services.clock.now(), problem };
  if (id === null) await writer.update(state).set(set);
  else await writer.update(sites).set(set).where(eq(sites.id, id));
});

/** The sites to be asked now, with where: those that were not asked for as long as they said themselves. */
const listDue = query("federation_refresh.list_due", async ({ reader, services }, _input: undefined): Promise<readonly { readonly id: string; readonly url: string }[]> => {
  const { federationSites: sites } = reader.tables;
  const now = services.clock.now();
  const rows = await reader.select().from(sites).where(isNull(sites.removed_at)).limit(SITES_MAX);
  return rows.flatMap((row) => {
    const { rules, bundle } = siteOf(row);
    const isDue = row.checked_at === null || row.checked_at + bundle.refresh_hint_seconds * 1_000 <= now;
    return rules.refresh && isDue ? [{ id: row.id, url: bundle.endpoints.bundle }] : [];
  });
});

async function bodyAt(gate: Gate, request: DialRequest): Promise<Uint8Array> {
  const { status, body } = await dial(gate, request);
  if (status !== 200) throw new Fault("unavailable", `The other site answered with status ${status}.`);
  return body;
}

function keysIn(body: Uint8Array): string {
  try {
    const answer = parseStrictJson(body);
    if (answerShape.Check(answer)) return answer.keys;
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
  }
  throw new Fault("unavailable", "The leading site's answer cannot be read.");
}

async function look(gate: Gate, id: string | null, take: () => Promise<unknown>): Promise<Look> {
  let problem: string | null = null;
  try {
    await take();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    problem = error.message.slice(0, PROBLEM_CHARACTERS_MAX);
  }
  await noteLook(gate, system, { id, problem });
  return { id, problem };
}

async function pullKeys(gate: Gate): Promise<readonly Look[]> {
  const asked = await preparePull(gate, system, undefined);
  if (asked === undefined) return [];
  const question = { url: asked.url, body: JSON.stringify({ request: asked.request }), headers: { "content-type": "application/json" } };
  return [await look(gate, null, async () => await importKeys(gate, system, { keys: keysIn(await bodyAt(gate, question)) }))];
}

/** One round: every site that is due, and the leader where this site follows one that it may ask. */
export async function refreshFederation(gate: Gate): Promise<readonly Look[]> {
  const looks: Look[] = [];
  for (const { id, url } of await listDue(gate, system, undefined)) {
    looks.push(await look(gate, id, async () => await importBundle(gate, system, { bundle: Buffer.from(await bodyAt(gate, { url })).toString("latin1") })));
  }
  return [...looks, ...(await pullKeys(gate))];
}
