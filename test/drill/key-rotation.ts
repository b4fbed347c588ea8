/**
 * Key rotation drill: keys are changed while tokens are signed, by schedule and at the operator's word, by two processes whose clocks
 * differ, against verifiers that keep the published keys as long as they may. No token may be refused before its end.
 */
import { createLocalJWKSet, jwtVerify } from "jose";
import { operator, system } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { findAccessTokenClaims, issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { prepareSigningKey, rotateDueKeys, rotateSigningKeys } from "../../src/oidc/key-rotation.ts";
import { createKeyring } from "../../src/oidc/keyring.ts";
import { listPublicKeys } from "../../src/oidc/public-keys.ts";
import { JWKS_CACHE_SECONDS } from "../../src/oidc/signing-keys.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { anonymous } from "../support/people.ts";
import type { DrillReport } from "./report.ts";

export interface RotationReport extends DrillReport {
  readonly violations: readonly string[];
  readonly facts: { readonly checked: number; readonly kids: number };
}

/** Changes of the long form, by schedule and by word together. */
export const rounds = 1_000;

const TOKEN_SECONDS = 600;
/** The second process's clock goes so far ahead of the first's. */
const SKEW_MS = 30_000;
const subject = { userId: "0190a0b0-0000-7000-8000-000000000001", sessionId: "0190a0b0-0000-7000-8000-000000000002" };

/** A program elsewhere: reads the keys when those it has are as old as they may be, never for a kid that it does not know. */
class Verifier {
  #keys: ReturnType<typeof createLocalJWKSet> | undefined;
  #readAtMs = 0;

  async accepts({ gate, services }: TestGate, token: string): Promise<boolean> {
    const now = services.clock.now();
    if (this.#keys === undefined || now - this.#readAtMs >= JWKS_CACHE_SECONDS * 1_000) {
      const { keys } = await listPublicKeys(gate, anonymous, { keyring: createKeyring(gate) });
      this.#keys = createLocalJWKSet({ keys: [...keys] });
      this.#readAtMs = now;
    }
    const verified = await jwtVerify(token, this.#keys, { typ: "at+jwt", currentDate: new Date(now) }).catch(() => undefined);
    return verified?.payload.sub === subject.userId;
  }
}

/** The same numbers in every run, so that a failure can be looked at again. */
function pseudorandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function ahead(gate: Gate): Gate {
  const { clock } = gate.services;
  return { ...gate, services: { ...gate.services, clock: { ...clock, now: () => clock.now() + SKEW_MS } } };
}

interface Live {
  readonly token: string;
  readonly endsAtMs: number;
}

interface Load {
  readonly world: TestGate;
  readonly changes: number;
  readonly stepMsMax: number;
  /** What one of the processes does at each step; gives the number of changes that it made. */
  readonly act: (gate: Gate) => Promise<number>;
}

interface Refused {
  readonly refused: readonly string[];
  readonly checked: number;
  readonly kids: number;
}

/** Runs until so many changes were made. Gives the tokens that were refused before their end, with what they met. */
async function refusedUnderLoad({ world, changes, stepMsMax, act }: Load): Promise<Refused> {
  const { clock } = world.services;
  const next = pseudorandom(42);
  const processes = [world.gate, ahead(world.gate)].map((gate) => ({ gate, keyring: createKeyring(gate) }));
  const verifiers = Array.from({ length: 3 }, () => new Verifier());
  const kids = new Set<string>();
  const refused: string[] = [];
  let live: readonly Live[] = [];
  let checked = 0;
  for (let made = 0; made < changes; ) {
    clock.advance(1 + next(stepMsMax));
    const process = processes[next(2)];
    const reader = processes[next(2)];
    if (process === undefined || reader === undefined) throw new Error("there are two processes");
    made += await act(process.gate);
    const token = await issueAccessToken(process.gate, process.keyring, subject);
    kids.add((await process.keyring.getSigningKey()).kid);
    live = [...live.filter(({ endsAtMs }) => endsAtMs > clock.now() + SKEW_MS), { token, endsAtMs: Math.floor(clock.now() / 1_000 + TOKEN_SECONDS) * 1_000 }];
    const oldest = live[0]?.token ?? token;
    for (const each of new Set([token, oldest])) {
      const verifier = next(verifiers.length);
      checked += 2;
      if ((await verifiers[verifier]?.accepts(world, each)) !== true) refused.push(`verifier ${verifier} at change ${made}`);
      if ((await findAccessTokenClaims(reader.gate, reader.keyring, each)) === undefined) refused.push(`our own at change ${made}`);
    }
  }
  return { refused, checked, kids: kids.size };
}

/** So many changes by the schedule. */
async function bySchedule(changes: number): Promise<Refused> {
  await using world = await testGate({ settings: { accessTokenSeconds: TOKEN_SECONDS, signingKeyRotationSeconds: 3_600 } });
  await prepareSigningKey(world.gate, system, undefined);
  const act = async (gate: Gate) => (await rotateDueKeys(gate, system, undefined)).changes.length;
  return await refusedUnderLoad({ world, changes, stepMsMax: 1_500_000, act });
}

/** So many changes at the operator's word, one after the other; `now` is without the wait, which verifiers notice. */
export async function byWord(changes: number, time: "soon" | "now"): Promise<Refused> {
  await using world = await testGate({ settings: { accessTokenSeconds: TOKEN_SECONDS } });
  await prepareSigningKey(world.gate, system, undefined);
  const act = async (gate: Gate) => (await rotateSigningKeys(gate, operator, { alg: undefined, time })).length;
  return await refusedUnderLoad({ world, changes, stepMsMax: 240_000, act });
}

export async function drill(count: number): Promise<RotationReport> {
  const half = Math.ceil(count / 2);
  const runs = [await bySchedule(half), await byWord(half, "soon")];
  const total = (member: "checked" | "kids") => runs.reduce((sum, run) => sum + run[member], 0);
  return { name: "key rotation", rounds: half * 2, violations: runs.flatMap(({ refused }) => refused), facts: { checked: total("checked"), kids: total("kids") } };
}
