/** What is looked at on the network: ports, the addresses that people and agents are told, and who is connected. */
import { withExtraCa } from "../certificates.ts";
import type { Role } from "../config/setting.ts";
import type { Services } from "../services.ts";
import { type Check, ok, type Patient, problem, skipped } from "./check.ts";

const ANSWER_MS_MAX = 5_000;
const BODY_CHARACTERS_MAX = 200_000;

interface Told {
  readonly status: number;
  readonly text: string;
}

/** What answers at the address, or why nothing does. */
async function ask(services: Services, url: string): Promise<Told | { readonly problem: string }> {
  const abort = new AbortController();
  const cancel = services.clock.after(ANSWER_MS_MAX, () => abort.abort());
  try {
    const response = await services.fetch(url, { signal: abort.signal, redirect: "error" });
    return { status: response.status, text: (await response.text()).slice(0, BODY_CHARACTERS_MAX) };
  } catch (error) {
    if (abort.signal.aborted) return { problem: `nothing answers within ${ANSWER_MS_MAX / 1_000} seconds` };
    return { problem: error instanceof Error ? error.message.split("\n")[0]?.replace(/\.$/, "") ?? "" : "it cannot be reached" };
  } finally {
    cancel();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** Undefined when the port can be opened; it is closed again at once. */
async function bindProblem({ bind, ports }: Patient["config"], role: Role): Promise<string | undefined> {
  try {
    const server = Bun.serve({ hostname: bind, port: ports[role], development: false, reusePort: false, fetch: () => new Response(null, { status: 503 }) });
    await server.stop(true);
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    return code === "EADDRINUSE" ? "another program uses it" : code === "EACCES" ? "this user may not bind it" : "it cannot be bound";
  }
}

async function portCheck({ config, isServed }: Patient, role: Role): Promise<Check> {
  const [name, port] = [`${role} port`, config.ports[role]];
  if (port === 0) return ok(name, "It takes a free one.");
  const inTheWay = await bindProblem(config, role);
  // A running server has it: what answers there is looked at by its address.
  if (isServed) return inTheWay === undefined ? problem(name, `${port} is free although a server runs.`, "The server runs with other settings than these; run this with the same ones.") : ok(name, `${port} is taken by the server.`);
  return inTheWay === undefined ? ok(name, `${port} on ${config.bind} is free.`) : problem(name, `${port} on ${config.bind} cannot be opened: ${inTheWay}.`, `Stop the other program, or choose another port with --${role}-port.`);
}

export async function portChecks(patient: Patient): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const role of patient.config.roles) checks.push(await portCheck(patient, role));
  return checks;
}

/** The roles that somebody is told an address of. */
function toldOf({ addresses: { publicUrl, issuerUrl, gatewayUrl } }: Patient): readonly { readonly role: Role; readonly url: string }[] {
  return [
    { role: "api", url: publicUrl },
    { role: "issuer", url: issuerUrl },
    { role: "gateway", url: gatewayUrl },
  ];
}

function memberOf(text: string, name: string): string {
  return new RegExp(`"${name}":"([^"]*)"`).exec(text)?.[1] ?? "";
}

async function addressCheck(services: Services, { role, url }: { readonly role: Role; readonly url: string }): Promise<Check> {
  const name = `${role} address`;
  const told = await ask(services, `${url}/readyz`);
  if ("problem" in told) return problem(name, `${url} cannot be reached from here: ${told.problem}.`, "Check the name, the proxy and the certificate; --extra-ca-file names certificates to trust.");
  if (told.status === 503) return problem(name, `${url} is not ready: ${memberOf(told.text, "error_message")}`, "It becomes ready by itself when that is mended.");
  if (told.status === 200 && memberOf(told.text, "role") === role) return ok(name, `${url} is ready.`);
  return problem(name, `Something else than the ${role} answers at ${url} (status ${told.status}).`, "Check what the proxy in front of it does, and which address is set.");
}

/** Whether each of the roles answers where people are told that it does. */
export async function addressChecks(patient: Patient, roles: readonly Role[] = patient.config.roles): Promise<readonly Check[]> {
  if (!patient.isServed) return [];
  const services = withExtraCa(patient.services, patient.config.extraCaFile);
  return await Promise.all(toldOf(patient).filter(({ role }) => roles.includes(role)).map((each) => addressCheck(services, each)));
}

export async function agentCheck({ config, services: plain, addresses: { gatewayUrl }, isServed }: Patient): Promise<readonly Check[]> {
  if (!isServed || !config.roles.includes("gateway")) return [];
  const told = await ask(withExtraCa(plain, config.extraCaFile), `${gatewayUrl}/metrics`);
  const [, count] = /^cyberun_gateway_agents (\d+)$/m.exec("text" in told ? told.text : "") ?? [];
  if (count === undefined) return [skipped("agents", `How many are connected cannot be read at ${gatewayUrl}/metrics.`)];
  return [count === "0" ? ok("agents", "None is connected; tasks wait until one is.") : ok("agents", `${count} ${count === "1" ? "is" : "are"} connected.`)];
}
