/** `cyberun oidc clients …`: the applications that sign their users in through this deployment. */
import { Fault } from "../fault.ts";
import {
  createInitialAccessToken,
  createOidcClient,
  deleteOidcClient,
  listOidcClients,
  readOidcClient,
  rotateOidcClientSecret,
  updateOidcClient,
} from "../roles/operator/oidc-client-calls.ts";
import type { Context, Result } from "./context.ts";
import { type Members, metadataInFile } from "./metadata-file.ts";
import { openOperator, requireServer } from "./operator.ts";

/** Far more pages than a deployment can have. */
const PAGES_MAX = 1_000;

/** What the flags and the file say together; a flag wins. */
function metadataOf(context: Context): Members {
  const name = context.options.get("name");
  const redirectUri = context.options.get("redirectUri");
  return {
    ...metadataInFile(context),
    ...(name === undefined ? {} : { client_name: name }),
    ...(redirectUri === undefined ? {} : { redirect_uris: redirectUri.split(",").map((uri) => uri.trim()) }),
  };
}

function wholeOf({ options }: Context, option: "overlap" | "life"): number | undefined {
  const text = options.get(option);
  if (text === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new Fault("invalid_request", `--${option} is not a whole number of seconds.`);
}

function clientLine(client: Members): string {
  const state = client["is_disabled"] === true ? "  disabled" : "";
  const kind = client["is_first_party"] === true ? "  platform" : client["is_dynamic"] === true ? "  dynamic" : "";
  return `${String(client["client_id"])}  ${String(client["token_endpoint_auth_method"]).padEnd(19)}  ${String(client["client_name"])}${kind}${state}`;
}

function clientLines(client: Members): string {
  const shown = Object.entries(client).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return shown.join("\n");
}

function secretLines(secret: string | null): readonly string[] {
  return secret === null ? [] : [`client_secret: ${secret}`, "The secret is shown here and never again. Hand it to the application by a safe way."];
}

export async function oidcClientsList(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const clients: Members[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const listed = await way.ask(listOidcClients, after === undefined ? {} : { after });
    clients.push(...listed.clients);
    if (listed.next === null) break;
    after = listed.next;
  }
  return { data: { clients }, text: clients.length === 0 ? "No client is registered yet." : clients.map(clientLine).join("\n") };
}

export async function oidcClientsShow(context: Context): Promise<Result> {
  const [client_id = ""] = context.operands;
  await using way = await openOperator(context);
  const client = await way.ask(readOidcClient, { client_id });
  return { data: { client }, text: clientLines(client) };
}

export async function oidcClientsCreate(context: Context): Promise<Result> {
  const metadata = metadataOf(context);
  await using way = await openOperator(context);
  requireServer(way, "This opens the deployment to an application");
  const { client, client_secret } = await way.ask(createOidcClient, { metadata });
  return { data: { client, client_secret }, text: [clientLines(client), ...secretLines(client_secret)].join("\n") };
}

export async function oidcClientsUpdate(context: Context): Promise<Result> {
  const [client_id = ""] = context.operands;
  const metadata = metadataOf(context);
  await using way = await openOperator(context);
  const { client, client_secret } = await way.ask(updateOidcClient, { client_id, metadata });
  return { data: { client, client_secret }, text: [clientLines(client), ...secretLines(client_secret)].join("\n") };
}

async function setDisabled(context: Context, is_disabled: boolean): Promise<Result> {
  const [client_id = ""] = context.operands;
  await using way = await openOperator(context);
  const { client } = await way.ask(updateOidcClient, { client_id, is_disabled });
  return { data: { client }, text: is_disabled ? `The client ${client_id} is refused from now on, with every token it has.` : `The client ${client_id} may take part again.` };
}

export async function oidcClientsDisable(context: Context): Promise<Result> {
  return await setDisabled(context, true);
}

export async function oidcClientsEnable(context: Context): Promise<Result> {
  return await setDisabled(context, false);
}

export async function oidcClientsDelete(context: Context): Promise<Result> {
  const [client_id = ""] = context.operands;
  await using way = await openOperator(context);
  await way.ask(deleteOidcClient, { client_id });
  return { data: { deleted: client_id }, text: `The client ${client_id} is gone, with all it was granted.` };
}

export async function oidcClientsRotateSecret(context: Context): Promise<Result> {
  const [client_id = ""] = context.operands;
  const asked = wholeOf(context, "overlap");
  await using way = await openOperator(context);
  const { client_secret, overlap_seconds } = await way.ask(rotateOidcClientSecret, asked === undefined ? { client_id } : { client_id, overlap_seconds: asked });
  const before = overlap_seconds === 0 ? "The secret before is over." : `The secret before stays good for ${overlap_seconds} seconds.`;
  return { data: { client_id, client_secret, overlap_seconds }, text: [...secretLines(client_secret), before].join("\n") };
}

export async function oidcClientsToken(context: Context): Promise<Result> {
  const asked = wholeOf(context, "life");
  await using way = await openOperator(context);
  requireServer(way, "This opens the deployment to an application");
  const { initial_access_token, expires_at } = await way.ask(createInitialAccessToken, asked === undefined ? {} : { life_seconds: asked });
  return { data: { initial_access_token, expires_at }, text: `${initial_access_token}\nBy it one client may register itself, once, until ${expires_at}.` };
}
