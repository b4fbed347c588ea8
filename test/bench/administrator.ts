/** The first administrator of a deployment under measurement, made as a person would: set-up link, sign-in, a key. */
import { type TSchema, Type, type Static } from "typebox";
import { Compile } from "typebox/compile";
import type { Deployment } from "./deployment.ts";
import { until } from "./processes.ts";

export const administrator = { email_address: "bench@example.com", user_password: "a password for the bench alone" } as const;

const Tokens = Type.Object({ access_token: Type.String() });
const Profile = Type.Object({ team_list: Type.Array(Type.Object({ id: Type.String() }), { minItems: 1 }) });
const CreatedWorkflow = Type.Object({ id: Type.String() });
const OpenedTunnel = Type.Object({ tunnel_url: Type.String() });
const CreatedKey = Type.Object({ raw_key: Type.String() });

/** The JSON answer in its form. Throws with the answer's own words for anything but success. */
async function answer<T extends TSchema>(form: T, response: Response): Promise<Static<T>> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${new URL(response.url).pathname} answered ${response.status}: ${text.slice(0, 300)}`);
  const content: unknown = JSON.parse(text);
  const shape = Compile(form);
  if (!shape.Check(content)) throw new Error(`${new URL(response.url).pathname} answered in another form than documented`);
  return content;
}

function post(url: URL, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
}

/** Signs in; gives the access token. */
export async function signIn(api: string): Promise<string> {
  const { access_token } = await answer(Tokens, await post(new URL("/api/v1/auth/login", api), administrator));
  return access_token;
}

/** Uses the set-up link that the deployment printed: administrator, deployment and first team. */
async function setUp({ addresses: { api }, process }: Deployment): Promise<void> {
  const path = await until("the set-up link to be printed", () => /\/setup\/[A-Za-z0-9_-]+(?=\s)/.exec(process.output())?.[0]);
  const form = new URLSearchParams({ deployment_name: "Bench", team_name: "Bench", first_name: "Bench", last_name: "Mark", ...administrator });
  const response = await fetch(new URL(path, api), { method: "POST", headers: { origin: new URL(api).origin }, body: form, redirect: "manual" });
  if (response.status !== 303) throw new Error(`the set-up answered ${response.status}`);
}

/** What the administrator does in the first team. */
export interface Team {
  /** Gives the key in clear. */
  createKey(kind: "integration" | "agent", name: string): Promise<string>;
  /** Gives the workflow's id. */
  createWorkflow(definition: object): Promise<string>;
  /** Gives the address; of an agent that is not connected yet, undefined. */
  openTunnel(agentId: string, port: number): Promise<string | undefined>;
}

/** Sets up the deployment and signs in to its first team. */
export async function inTeam(deployment: Deployment): Promise<Team> {
  await setUp(deployment);
  const { api } = deployment.addresses;
  const authorization = `Bearer ${await signIn(api)}`;
  const { team_list } = await answer(Profile, await fetch(new URL("/api/v1/users/me", api), { headers: { authorization } }));
  const headers = { authorization, "x-team-id": team_list[0]?.id ?? "" };
  return {
    createKey: async (kind, display_name) => (await answer(CreatedKey, await post(new URL("/api/v1/credentials", api), { kind, display_name }, headers))).raw_key,
    createWorkflow: async (definition) => (await answer(CreatedWorkflow, await post(new URL("/api/v1/workflows", api), definition, headers))).id,
    async openTunnel(agentId, target_port) {
      const response = await post(new URL(`/api/v1/agents/${agentId}/tunnel`, api), { target_port }, headers);
      return response.status === 404 ? undefined : (await answer(OpenedTunnel, response)).tunnel_url;
    },
  };
}

/** Sets up the deployment and makes an `sk-` key of its first team. */
export async function foundTeam(deployment: Deployment): Promise<string> {
  return await (await inTeam(deployment)).createKey("integration", "bench");
}
