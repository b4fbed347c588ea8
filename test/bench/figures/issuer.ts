/** The issuer's token endpoint: client credentials beside oidc-provider, durable refresh rotation, and tokens while people sign in. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { CHALLENGE, REDIRECT, VERIFIER } from "../../support/code-flow.ts";
import { openBrowser } from "../../support/browser.ts";
import { administrator, foundTeam } from "../administrator.ts";
import { type Deployment, startDeployment } from "../deployment.ts";
import { atLeast, atMost, type Bench, compared, type Figure, type Place } from "../figure.ts";
import { type Load, startLoad } from "../load/load.ts";
import { loadRounds, medianLatency, processorNotes, type Target } from "../load/rounds.ts";
import { run } from "../processes.ts";
import { startRaw } from "../raw/process.ts";
import { column } from "../rounds.ts";
import { summary } from "../statistics.ts";

const CONNECTIONS = 32;
const ROUND_SECONDS = 1.5;
const ROUNDS = 5;
const REFRESHES_PER_SECOND_MIN = 1_500;
const PACED_PER_SECOND = 100;
const PACED_P99_MS_MAX = 50;
/** As many at once as people who forgot that it is Monday. */
const SIGN_INS_AT_ONCE = 8;

const formType = { "content-type": "application/x-www-form-urlencoded" } as const;
const clientForm = "grant_type=client_credentials";
const createdShape = Compile(Type.Object({ client: Type.Object({ client_id: Type.String() }), client_secret: Type.String() }));
const tokensShape = Compile(Type.Object({ refresh_token: Type.String() }));
const readyShape = Compile(Type.Object({ tokens: Type.Array(Type.String()) }));

interface Client {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
}

function basic(id: string, secret: string): Readonly<Record<string, string>> {
  return { ...formType, authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` };
}

interface Rig {
  readonly place: Place;
  readonly deployment: Deployment;
  readonly load: Load;
  readonly tokenUrl: string;
}

/** Registers a client by the operator's command, beside the running server. */
async function register({ dist, scratch }: Place, name: string, metadata: object): Promise<Client> {
  const file = join(scratch, `${name}.json`);
  writeFileSync(file, JSON.stringify({ client_name: name, ...metadata }));
  const command = [join(dist, "cyberun"), "oidc", "clients", "create", "--json", "--metadata-file", file, "--data-dir", join(scratch, "data")];
  const created: unknown = JSON.parse(await run(command, scratch));
  if (!createdShape.Check(created)) throw new Error("the client was not registered");
  return { id: created.client.client_id, headers: basic(created.client.client_id, created.client_secret) };
}

async function clientCredentials({ place, deployment, load, tokenUrl }: Rig, client: Client): Promise<Figure> {
  const secret = "a-secret-for-the-bench-that-is-as-long-as-ours-is";
  await using other = await startRaw("oidc-provider", place.scratch, [secret]);
  const target = (pid: number, url: string, headers: Readonly<Record<string, string>>): Target => ({
    pid,
    run: () => load.run({ kind: "requests", url, headers, body: clientForm, connections: CONNECTIONS, seconds: ROUND_SECONDS }),
  });
  const plan = { rounds: ROUNDS, warmUps: 1, ours: target(deployment.process.pid, tokenUrl, client.headers), raw: target(other.process.pid, new URL("/token", other.url).href, basic("bench", secret)) };
  const pairs = await loadRounds(plan);
  const rates = compared(column(pairs, ({ perSecond }) => perSecond));
  return {
    name: "issuer.client_credentials",
    title: `Client credentials, ES256, ${CONNECTIONS} connections, beside oidc-provider`,
    unit: "tokens/s",
    rawLoop: "the npm package oidc-provider on the same runtime, storing in memory: the same grant, client_secret_basic, a JWT access token with ES256",
    ...rates,
    latencyMs: medianLatency(pairs),
    bars: [atLeast("median ratio", 1, rates.ratio.median)],
    notes: ["Ours reads client and secret from the store for each request, so that one that is disabled gets nothing from that moment on.", ...processorNotes(pairs, "token")],
  };
}

/** So many lineages of the administrator's, each through the browser's pages. */
async function lineages({ deployment: { addresses }, tokenUrl }: Rig, client: Client, count: number): Promise<readonly string[]> {
  const browser = openBrowser(addresses.issuer);
  const query = new URLSearchParams({ client_id: client.id, redirect_uri: REDIRECT, response_type: "code", scope: "openid offline_access", code_challenge: CHALLENGE, code_challenge_method: "S256" });
  const tokens: string[] = [];
  while (tokens.length < count) {
    await browser.open(`${addresses.issuer}/oauth/authorize?${query.toString()}`);
    if (browser.page.text.includes('id="sign-in"')) await browser.submit("sign-in", administrator);
    if (browser.page.text.includes('id="consent"')) await browser.submit("consent", { decision: "allow" });
    const code = browser.page.location?.searchParams.get("code") ?? "";
    const form = new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: REDIRECT, code_verifier: VERIFIER });
    const answer: unknown = await (await fetch(tokenUrl, { method: "POST", headers: client.headers, body: form.toString() })).json();
    if (!tokensShape.Check(answer)) throw new Error(`no refresh token came of a code: ${JSON.stringify(answer).slice(0, 300)}`);
    tokens.push(answer.refresh_token);
  }
  return tokens;
}

async function refreshRotation(rig: Rig, client: Client): Promise<Figure> {
  const { place, deployment, load, tokenUrl } = rig;
  await using raw = await startRaw("refresh-server", place.scratch, [join(place.scratch, "refresh.db"), String(CONNECTIONS)]);
  const ready: unknown = JSON.parse(readFileSync(join(place.scratch, "refresh-server.json"), "utf8"));
  if (!readyShape.Check(ready)) throw new Error("the raw loop named no tokens");
  const own = await lineages(rig, client, CONNECTIONS);
  const target = (pid: number, url: string, tokens: readonly string[]): Target => ({
    pid,
    run: () => load.run({ kind: "refreshes", url, headers: client.headers, tokens: [...tokens], seconds: ROUND_SECONDS }),
  });
  const pairs = await loadRounds({ rounds: ROUNDS, warmUps: 1, ours: target(deployment.process.pid, tokenUrl, own), raw: target(raw.process.pid, new URL("/oauth/token", raw.url).href, ready.tokens) });
  const rates = compared(column(pairs, ({ perSecond }) => perSecond));
  return {
    name: "issuer.refresh",
    title: `Refresh with rotation, durable, ${CONNECTIONS} lineages`,
    unit: "refreshes/s",
    rawLoop: "Bun.serve: one keyed digest, one update and one insert in a shared durable commit, two signatures with ES256; no client, no grant, no person",
    ...rates,
    latencyMs: medianLatency(pairs),
    bars: [atLeast("median of refreshes/s", REFRESHES_PER_SECOND_MIN, rates.ours.median)],
    notes: ["Each answer has a new access token, a new ID token and a new refresh token, and the rotation is on the disk before it leaves.", ...processorNotes(pairs, "refresh")],
  };
}

async function beside({ load, tokenUrl, deployment: { addresses } }: Rig, client: Client, isHammered: boolean) {
  const paced = load.start({ kind: "paced", url: tokenUrl, headers: client.headers, body: clientForm, connections: CONNECTIONS, perSecond: PACED_PER_SECOND });
  const body = JSON.stringify(administrator);
  const url = new URL("/api/v1/auth/login", addresses.api).href;
  const signIns = isHammered ? await load.run({ kind: "requests", url, headers: {}, body, connections: SIGN_INS_AT_ONCE, seconds: 3 * ROUND_SECONDS }) : undefined;
  if (!isHammered) await Bun.sleep(2_000 * ROUND_SECONDS);
  paced.stop();
  return { paced: await paced.result, signIns };
}

async function tokensBesideSignIns(rig: Rig, client: Client): Promise<Figure> {
  await beside(rig, client, true);
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push({ busy: await beside(rig, client, true), calm: await beside(rig, client, false) });
  const failed = rounds.reduce((sum, { busy, calm }) => sum + busy.paced.failed + calm.paced.failed, 0);
  if (failed > 0) throw new Error(`${failed} tokens were refused`);
  const figures = compared({ ours: rounds.map(({ busy }) => busy.paced.latencyMs.p99), raw: rounds.map(({ calm }) => calm.paced.latencyMs.p99) });
  const signIns = summary(rounds.map(({ busy }) => (busy.signIns?.calls ?? 0) / (busy.signIns?.seconds ?? 1)));
  return {
    name: "issuer.beside_sign_ins",
    title: `Tokens at ${PACED_PER_SECOND} a second while ${SIGN_INS_AT_ONCE} people at once sign in with passwords: p99`,
    unit: "ms",
    rawLoop: "the same tokens at the same pace while nobody signs in",
    ...figures,
    bars: [atMost("largest p99", PACED_P99_MS_MAX, figures.ours.max)],
    notes: [`Meanwhile ${signIns.median.toFixed(0)} sign-ins a second were made (median), each with one hash of 19 MiB; as many are computed at once as there are processors but one.`, "Each token counts from the moment it was due."],
  };
}

export const issuerTokens: Bench = {
  name: "issuer",
  title: "Issuer",
  async measure(place) {
    await using deployment = await startDeployment({ executable: join(place.dist, "cyberun"), dataDir: join(place.scratch, "data") });
    await foundTeam(deployment);
    await using load = startLoad();
    const tokenUrl = new URL("/oauth/token", deployment.addresses.issuer).href;
    const rig: Rig = { place, deployment, load, tokenUrl };
    const service = await register(place, "service", { grant_types: ["client_credentials"], redirect_uris: [], scope: "read" });
    const web = await register(place, "web", { grant_types: ["authorization_code", "refresh_token"], redirect_uris: [REDIRECT], scope: "openid offline_access" });
    return [await clientCredentials(rig, service), await refreshRotation(rig, web), await tokensBesideSignIns(rig, service)];
  },
};
