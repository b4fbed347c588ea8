/** `cyberun oidc providers …`: the providers by which people sign in to this deployment. */
import { Fault } from "../fault.ts";
import {
  createUpstreamProvider,
  deleteUpstreamProvider,
  listUpstreamProviders,
  readUpstreamProvider,
  updateUpstreamProvider,
} from "../roles/operator/upstream-provider-calls.ts";
import type { Context, Result } from "./context.ts";
import { readNamedFile } from "./files.ts";
import { type Members, metadataInFile } from "./metadata-file.ts";
import { type Operator, openOperator, requireServer } from "./operator.ts";

const SECRET_FILE_BYTES_MAX = 4_096;
/** What `--issuer` takes in place of an address. */
const GOOGLE = "google";

function given<Name extends string>(name: Name, value: unknown): Members {
  return value === undefined ? {} : { [name]: value };
}

/** What the flags and the file say together; a flag wins. */
function membersOf(context: Context): Members {
  const { options } = context;
  const issuer = options.get("issuer");
  const domains = options.get("domains");
  return {
    ...metadataInFile(context),
    ...(issuer === GOOGLE ? { preset: GOOGLE } : given("issuer", issuer)),
    ...given("client_id", options.get("clientId")),
    ...given("display_name", options.get("name")),
    ...given("provisioning", options.get("provisioning")),
    ...given("allowed_domains", domains?.split(",").map((domain) => domain.trim())),
  };
}

/** The first line of the file that --client-secret-file names. */
function secretOf({ options }: Context): { readonly client_secret?: string } {
  const path = options.get("clientSecretFile");
  if (path === undefined) return {};
  const [client_secret = ""] = readNamedFile(path, SECRET_FILE_BYTES_MAX).toString("utf8").split(/\r?\n/, 1);
  if (client_secret !== "") return { client_secret };
  throw new Fault("invalid_request", `The file ${path} is empty.`, { hint: "It holds the client secret in its first line." });
}

function providerLine(provider: Members): string {
  const state = provider["is_disabled"] === true ? "  disabled" : "";
  const source = provider["source"] === "file" ? "  config file" : "";
  return `${String(provider["id"]).padEnd(16)}  ${String(provider["issuer"])}  ${String(provider["display_name"])}${source}${state}`;
}

function providerLines(provider: Members): string {
  return Object.entries(provider)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("\n");
}

/** Runs `ask` with the provider that the call names. */
async function withProvider<Answer>(context: Context, ask: (way: Operator, id: string) => Promise<Answer>): Promise<{ readonly id: string; readonly answer: Answer }> {
  const [id = ""] = context.operands;
  await using way = await openOperator(context);
  return { id, answer: await ask(way, id) };
}

export async function oidcProvidersList(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const { providers } = await way.ask(listUpstreamProviders, null);
  return { data: { providers }, text: providers.length === 0 ? "There is no provider yet." : providers.map(providerLine).join("\n") };
}

export async function oidcProvidersShow(context: Context): Promise<Result> {
  const { answer: provider } = await withProvider(context, async (way, id) => await way.ask(readUpstreamProvider, { id }));
  return { data: { provider }, text: providerLines(provider) };
}

export async function oidcProvidersCreate(context: Context): Promise<Result> {
  const input = { members: membersOf(context), ...secretOf(context) };
  const { answer: provider } = await withProvider(context, async (way, id) => {
    requireServer(way, "This opens the deployment to people whom somebody else vouches for");
    return await way.ask(createUpstreamProvider, { id, ...input });
  });
  return { data: { provider }, text: `${providerLines(provider)}\nRegister the redirect_uri at the provider, character by character.` };
}

export async function oidcProvidersUpdate(context: Context): Promise<Result> {
  const input = { members: membersOf(context), ...secretOf(context) };
  const { answer: provider } = await withProvider(context, async (way, id) => await way.ask(updateUpstreamProvider, { id, ...input }));
  return { data: { provider }, text: providerLines(provider) };
}

async function setDisabled(context: Context, is_disabled: boolean): Promise<Result> {
  const { id, answer: provider } = await withProvider(context, async (way, named) => await way.ask(updateUpstreamProvider, { id: named, is_disabled, members: {} }));
  return { data: { provider }, text: is_disabled ? `Nobody signs in by ${id} any more; who is signed in stays so.` : `People may sign in by ${id} again.` };
}

export async function oidcProvidersDisable(context: Context): Promise<Result> {
  return await setDisabled(context, true);
}

export async function oidcProvidersEnable(context: Context): Promise<Result> {
  return await setDisabled(context, false);
}

export async function oidcProvidersDelete(context: Context): Promise<Result> {
  const { id } = await withProvider(context, async (way, named) => await way.ask(deleteUpstreamProvider, { id: named }));
  return { data: { deleted: id }, text: `The provider ${id} is gone; who is signed in stays so.` };
}
