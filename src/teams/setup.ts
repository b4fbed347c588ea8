/**
 * First-run set-up: deployment, first administrator and first team, all or none, whatever the license says.
 *
 * Two doors lead here: a set-up link in the browser, and the command line on the host. It stands with the teams because
 * it makes one; identity must not know them. The deployment's one row decides between two set-ups at the same moment.
 */
import { isNull } from "drizzle-orm";
import { Fault } from "../fault.ts";
import { type CommandAct, procedure } from "../gate/operation.ts";
import { DEPLOYMENT_ID } from "../identity/deployment.ts";
import { requireName } from "../identity/names.ts";
import { hashPassword } from "../identity/passwords.ts";
import { insertAdministrator, type Person, type PersonInput, requirePerson } from "../identity/people.ts";
import { requireSetupLink, takeSetupLink } from "../identity/setup-links.ts";
import { insertOwner } from "./teams.ts";

export interface SetupInput extends PersonInput {
  readonly setup_token: string;
  readonly deployment_name: string;
  readonly team_name: string;
}

export interface AdministratorInput extends PersonInput {
  /** For the first administrator only; `Cyberun` when left out. */
  readonly deployment_name?: string | undefined;
  /** For the first administrator only; the deployment's name when left out. */
  readonly team_name?: string | undefined;
}

export interface Founded {
  readonly user_id: string;
  /** Null when the deployment was there already. */
  readonly team_id: string | null;
}

/** What was typed, checked, with the password hashed. */
interface Founding {
  readonly person: Person;
  readonly passwordHash: string;
  readonly teamName: string;
}

async function insertFirstTeam(act: CommandAct, displayName: string, userId: string): Promise<string> {
  const { writer, services } = act;
  const id = services.random.uuid();
  await writer.insert(writer.tables.teams).values({ id, display_name: displayName, created_at: services.clock.now() });
  await insertOwner(act, id, userId);
  return id;
}

/** Makes the deployment's row; false when there is one. Open set-up links end with it. */
async function claimDeployment({ writer, services }: CommandAct, displayName: string): Promise<boolean> {
  const { deployments, setupLinks } = writer.tables;
  const [claimed] = await writer
    .insert(deployments)
    .values({ id: DEPLOYMENT_ID, display_name: displayName, set_up_at: services.clock.now() })
    .onConflictDoNothing()
    .returning({ id: deployments.id });
  if (claimed !== undefined) await writer.delete(setupLinks).where(isNull(setupLinks.used_at));
  return claimed !== undefined;
}

/** An administrator, and for the first one a team. */
async function insertPeople(act: CommandAct, founding: Founding, isFirst: boolean): Promise<Founded> {
  const userId = await insertAdministrator(act, founding.person, founding.passwordHash);
  const teamId = isFirst ? await insertFirstTeam(act, founding.teamName, userId) : undefined;
  act.note({ subject: `user:${userId}`, ...(teamId === undefined ? {} : { teamId }), details: { first: isFirst } });
  return { user_id: userId, team_id: teamId ?? null };
}

/** Uses a set-up link. Throws Fault `gone` when the link is not good, and then hashes nothing. */
export const completeSetup = procedure("setup.complete", async (act, input: SetupInput): Promise<Founded> => {
  await act.read((reader) => requireSetupLink(act, reader, input.setup_token));
  const deploymentName = requireName("deployment_name", input.deployment_name);
  const teamName = requireName("team_name", input.team_name);
  const person = requirePerson(input);
  const passwordHash = await hashPassword(person.password);
  return await act.write(async (commandAct) => {
    await takeSetupLink(commandAct, input.setup_token);
    if (!(await claimDeployment(commandAct, deploymentName))) {
      throw new Fault("conflict", "This deployment is already set up.", { hint: "Sign in with the administrator's account." });
    }
    return await insertPeople(commandAct, { person, passwordHash, teamName }, true);
  });
});

/** Creates an administrator on the host. Before set-up it is the set-up. */
export const createAdministrator = procedure("administrator.create", async (act, input: AdministratorInput): Promise<Founded> => {
  const deploymentName = requireName("deployment_name", input.deployment_name ?? "Cyberun");
  const teamName = requireName("team_name", input.team_name ?? deploymentName);
  const person = requirePerson(input);
  const passwordHash = await hashPassword(person.password);
  return await act.write(async (commandAct) => {
    const isFirst = await claimDeployment(commandAct, deploymentName);
    return await insertPeople(commandAct, { person, passwordHash, teamName }, isFirst);
  });
});
