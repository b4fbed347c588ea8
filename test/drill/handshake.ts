/**
 * Attacks on the lease handshake: messages that were replayed, reordered, delayed, altered, or belong to another client,
 * role, purpose or server. None may be answered with a lease; and an honest exchange in between must be.
 *
 * Every round makes its message from a fresh honest exchange, so that what is refused is the attack and nothing else.
 */
import { encodeBase64url } from "../../src/crypto/base64url.ts";
import { signJws } from "../../src/crypto/jws.ts";
import { Fault } from "../../src/fault.ts";
import { LEASE_TYP, signLease } from "../../src/license/lease.ts";
import { testVendor } from "../support/license.ts";
import { type TestClient, TestSite } from "../support/license-server.ts";
import { testServices } from "../support/services.ts";
import type { DrillReport } from "./report.ts";

export const rounds = 100_000;

interface Arena {
  readonly site: TestSite;
  /** Enrolled, honest. */
  readonly client: TestClient;
  /** Enrolled as well, under another key and role. */
  readonly other: TestClient;
  /** Holds a key that is not enrolled. */
  readonly stranger: TestClient;
  /** A number that grows with each round. */
  readonly round: number;
}

/** Makes a message that must not be answered. */
type Attack = (arena: Arena) => Promise<string> | string;

const otherRole = "gateway";

function flipped(text: string, at: number): string {
  const index = at % text.length;
  const old = text.charAt(index);
  return `${text.slice(0, index)}${old === "A" ? "B" : old === "." ? "-" : "A"}${text.slice(index + 1)}`;
}

/** The header and signature of one proof around the content of another. */
function spliced(one: string, other: string): string {
  const [header, , signature] = one.split(".");
  return [header, other.split(".")[1], signature].join(".");
}

export const attacks = {
  "replayed after its answer": async ({ client }) => {
    const proof = client.proof();
    client.remember(await client.send(proof));
    return proof;
  },
  "replayed after a refusal": async ({ client }) => {
    const nonces = client.challenge();
    await client.send(client.proof({ ...nonces, purpose: "reload" })).catch((error: unknown) => expectFault(error));
    return client.proof(nonces);
  },
  "reordered: the nonces of two challenges mixed": ({ client }) => {
    const first = client.challenge();
    const second = client.challenge();
    return client.proof({ client_nonce: first.client_nonce, server_nonce: second.server_nonce });
  },
  "delayed to the thirtieth second": ({ client, site }) => {
    const proof = client.proof();
    site.services.clock.advance(30_000);
    return proof;
  },
  "for a challenge that was never made": ({ client }) => {
    client.challenge();
    return client.proof({ client_nonce: client.nonce(), server_nonce: client.nonce() });
  },
  "with another client's challenge": ({ client, other }) => client.proof({ ...other.challenge(), ...client.challenge("api", client.nonce()), server_nonce: other.challenge().server_nonce }),
  "signed by another client": ({ client, other }) => client.proof({ signWith: other.key }),
  "signed by another client for its own challenge": ({ client, other }) => {
    const nonces = client.challenge();
    other.challenge();
    return other.proof({ ...nonces });
  },
  "for another role than its challenge": ({ client }) => client.proof({ ...client.challenge("api"), role: otherRole }),
  "for a role the client was not enrolled for": ({ client }) => client.proof({ ...client.challenge(otherRole), role: otherRole }),
  "for another License Server": ({ client }) => client.proof({ audience: client.nonce() }),
  "made for a reload": ({ client }) => client.proof({ purpose: "reload" }),
  "made for an installation": ({ client }) => client.proof({ purpose: "install", file_sha256: client.nonce() }),
  "naming a file": ({ client }) => client.proof({ file_sha256: client.nonce() }),
  "altered in one character": ({ client, round }) => flipped(client.proof(), round * 7 + 1),
  "cut short": ({ client, round }) => {
    const proof = client.proof();
    return proof.slice(0, proof.length - 1 - (round % (proof.length - 1)));
  },
  "spliced from two proofs": ({ client }) => spliced(client.proof(), client.proof()),
  "a lease sent back as a proof": ({ client, site }) => {
    const nonces = client.challenge();
    return signLease(site.server.instance, { ...leaseLike, ...nonces, client: client.key.kid });
  },
  "signed as another kind of document": ({ client, site }) => {
    const { client_nonce, server_nonce } = client.challenge();
    const proof = { format: 1, client_key: client.x, purpose: "lease", audience: site.server.instance.kid, role: "api", client_nonce, server_nonce, issued_at: 0, seen: client.seen, version: "x" };
    return signJws(LEASE_TYP, client.key, proof);
  },
  "without a signature algorithm": ({ client }) => {
    const [, payload] = client.proof().split(".");
    return `${encodeBase64url(JSON.stringify({ alg: "none", kid: client.key.kid, typ: "cyberun-proof+jws" }))}.${payload}.`;
  },
  "of a stranger with nothing to show": ({ stranger }) => stranger.proof(),
  "of a stranger with an enrolment of somebody else": ({ stranger, other }) => {
    const nonces = stranger.challenge();
    const enrolment = other.enrolment(nonces, "api");
    return stranger.proof({ ...nonces, ...(enrolment === undefined ? {} : { enrolment }) });
  },
  "a renewal, replayed after its answer": async ({ client }) => {
    const proof = client.proof(await renewable(client));
    client.remember(await client.send(proof));
    return proof;
  },
  "a renewal, held back until the client began anew": async ({ client }) => {
    const proof = client.proof(await renewable(client));
    client.challenge();
    return proof;
  },
  "a renewal, held back until another answer came": async ({ client }) => {
    const proof = client.proof(await renewable(client));
    await client.lease();
    return proof;
  },
  "a renewal, held back until the lease was over": async ({ client, site }) => {
    const nonces = await renewable(client);
    const proof = client.proof(nonces);
    site.services.clock.advance(300_000);
    return proof;
  },
  "a renewal of another client": async ({ client, other }) => client.proof(await renewable(other)),
  "a renewal for another role": async ({ client }) => client.proof({ ...(await renewable(client)), role: otherRole }),
  "claiming marks that cannot be": ({ client }) => client.proof({ seen: { ...client.seen, epoch: 2 ** 50 } }),
} satisfies Record<string, Attack>;

/** What a renewal would name, after an exchange whose answer is of now. */
async function renewable(client: TestClient): Promise<ReturnType<TestClient["renewal"]>> {
  await client.lease();
  return client.renewal();
}

const leaseLike = {
  format: 1, lease_id: "x", role: "api", epoch: 1, counter: 1, issued_at: 1, expires_at: 2, state: "ok", since: 0, reason: "", license: "", activated_at: 0,
  features: { global: {}, account: {}, team: {} }, quotas: { global: {}, account: {}, team: {} },
} as const;

function expectFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  throw error;
}

export async function startArena(seed: string): Promise<Omit<Arena, "round">> {
  const site = await TestSite.start({ license: testVendor().sign(), services: testServices({ seed }) });
  const [client, other, stranger] = [site.client("api"), site.client(otherRole), site.client("api")];
  await client.lease();
  await other.lease();
  stranger.enrol = "nothing";
  return { site, client, other, stranger };
}

/** Sends one attack. Gives the code of its refusal; undefined when it was answered, which must not be. */
export async function attack(arena: Arena, make: Attack): Promise<string | undefined> {
  const message = await make(arena);
  try {
    await arena.client.send(message);
    return undefined;
  } catch (error) {
    return expectFault(error).code;
  }
}

/** An honest exchange, so that a server that refuses everything does not pass. */
const HONEST_EVERY = 50;

export async function drill(count: number): Promise<DrillReport> {
  const arena = await startArena("handshake drill");
  await using _site = arena.site;
  const kinds = Object.entries(attacks);
  const violations: string[] = [];
  const refused: Record<string, number> = {};
  let honest = 0;
  for (let round = 0; round < count; round += 1) {
    const [name, make] = kinds[round % kinds.length] ?? ["none", () => ""];
    const code = await attack({ ...arena, round }, make);
    if (code === undefined) violations.push(`round ${round}: a message ${name} was answered`);
    else refused[code] = (refused[code] ?? 0) + 1;
    if (round % HONEST_EVERY === 0) {
      const lease = await arena.client.lease();
      if (lease.state === "ok") honest += 1;
      else violations.push(`round ${round}: an honest exchange got ${lease.state}`);
    }
  }
  return { name: "handshake", rounds: count, violations: violations.slice(0, 20), facts: { kinds: kinds.length, refused, honest } };
}
