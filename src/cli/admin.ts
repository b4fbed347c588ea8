/** `cyberun admin …`: the first people of a deployment, and those who lost their way in. */
import { Fault } from "../fault.ts";
import { createAdministrator, createResetLink, createSetupLink, resetSecondFactor } from "../roles/operator/calls.ts";
import type { Context, Result } from "./context.ts";
import { openOperator } from "./operator.ts";
import { readPassword } from "./password.ts";

function required(context: Context, name: "email", flag: string): string {
  const value = context.options.get(name);
  if (value !== undefined && value !== "") return value;
  throw new Fault("invalid_request", `${flag} is missing.`, { hint: "Name the address to sign in with: --email ADDRESS." });
}

export async function adminCreate(context: Context): Promise<Result> {
  const { options, config } = context;
  const email = required(context, "email", "--email");
  const password = await readPassword(context);
  await using way = await openOperator(context, { mayCreate: true });
  const deploymentName = options.get("deploymentName");
  const { user_id, team_id } = await way.ask(createAdministrator, {
    first_name: options.get("firstName") ?? "Site",
    last_name: options.get("lastName") ?? "Administrator",
    email_address: email,
    user_password: password,
    ...(deploymentName === undefined ? {} : { deployment_name: deploymentName }),
  });
  const first = team_id === null ? "" : " It is the first account, and the deployment is set up now.";
  return {
    data: { user_id, team_id, email_address: email, is_first: team_id !== null, data_dir: config.dataDir },
    text: `Created the administrator ${email} in ${config.dataDir}.${first}`,
  };
}

export async function adminSetupLink(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const link = await way.ask(createSetupLink, null);
  const note = way.way === "store" ? "\nNo server runs on this data directory now; start one before you open the link." : "";
  return {
    data: { ...link, is_server_running: way.way === "server" },
    text: `${link.setup_url}\nIt works once, until ${link.expires_at}; links made before do not work any more.${note}`,
  };
}

export async function adminResetLink(context: Context): Promise<Result> {
  const email = required(context, "email", "--email");
  await using way = await openOperator(context);
  const link = await way.ask(createResetLink, { email_address: email });
  return { data: { ...link, email_address: email }, text: `${link.reset_url}\nIt works once, until ${link.expires_at}. Hand it to nobody but ${email}.` };
}

export async function adminResetFactor(context: Context): Promise<Result> {
  const email = required(context, "email", "--email");
  await using way = await openOperator(context);
  await way.ask(resetSecondFactor, { email_address: email });
  return { data: { email_address: email }, text: `Removed the second factor of ${email}; the password alone signs in until another is enrolled.` };
}
