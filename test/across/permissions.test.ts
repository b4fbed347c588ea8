/**
 * Role × operation × object, generated from the table of permissions: what is not allowed there is refused, another
 * team's thing is refused like one that does not exist, and a new row does not compile before it is walked here.
 */
import { expect, test } from "bun:test";
import { connectAgent } from "../../src/agents/connections.ts";
import { setMemberRole } from "../../src/across/member-role.ts";
import { removeMember } from "../../src/across/member-removal.ts";
import { readQuotas } from "../../src/across/quotas.ts";
import { deleteTeam } from "../../src/across/team-deletion.ts";
import { exportAudit, listAudit } from "../../src/audit/audit-log.ts";
import { callService, invokeService, listRuntimeServices, readServiceBySlug } from "../../src/containers/calls.ts";
import { createService, deleteService, deployService, listServices, readService, stopService, updateService } from "../../src/containers/management.ts";
import { createCredential, listCredentials, revokeCredential } from "../../src/credentials/credentials.ts";
import { confirmPairing, startPairing } from "../../src/credentials/pairing.ts";
import { rotateCredential } from "../../src/credentials/rotation.ts";
import type { UserCaller } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { presignDownload, presignUpload } from "../../src/files/files.ts";
import { readTeam, transferTeam, updateTeam } from "../../src/teams/current-team.ts";
import { cancelInvitation, createInvitation, listInvitations } from "../../src/teams/invitations.ts";
import { listAgents, listRuntimeAgents } from "../../src/tasks/agent-list.ts";
import { cancelTask } from "../../src/tasks/cancellation.ts";
import { readTaskEvents } from "../../src/tasks/events.ts";
import { runWorkflow, runWorkflowBySlug } from "../../src/tasks/submission.ts";
import { listTasks, readTask, readTaskResult } from "../../src/tasks/tasks.ts";
import { listMembers } from "../../src/teams/members.ts";
import { mayDo, permissions, type Role, roles, type TeamAction } from "../../src/teams/permissions.ts";
import { closeTunnels, openTunnel, readTunnels } from "../../src/tunnels/tunnels.ts";
import { listDeliveries, readDelivery, replayDelivery, replayRange, testWebhook } from "../../src/webhooks/delivery-log.ts";
import { createWebhook, deleteWebhook, listWebhooks, readWebhook, updateWebhook } from "../../src/webhooks/management.ts";
import { rotateWebhookSecret } from "../../src/webhooks/secret-rotation.ts";
import { createWorkflow, deleteWorkflow, importWorkflow, readWorkflow, updateWorkflow } from "../../src/workflows/management.ts";
import { listSnapshots, readSnapshot, restoreSnapshot } from "../../src/workflows/snapshots.ts";
import { listRuntimeWorkflows, listWorkflows, readRuntimeWorkflow, readWorkflowBySlug } from "../../src/workflows/workflows.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { addKey, addPerson, addTeam, anonymous } from "../support/people.ts";
import { refusalOf } from "../support/refusal.ts";

const absent = "00000000-0000-7000-8000-00000000000f";
const actions = Object.keys(permissions).filter((name): name is TeamAction => Object.hasOwn(permissions, name));

interface Team {
  readonly id: string;
  readonly people: Readonly<Record<Role, UserCaller>>;
}

/** How an operation is tried; `object` makes the thing that it is done to, where there is one beside the team. */
interface Walk {
  readonly object?: (gate: Gate, team: Team) => Promise<string>;
  attempt(gate: Gate, caller: UserCaller, id: string): Promise<unknown>;
}

const someMember = async (gate: Gate, team: Team) => (await addPerson(gate, { teamId: team.id })).userId;
const someKey = async (gate: Gate, team: Team) => (await addKey(gate, team.people.owner, "integration")).id;
const someInvitation = async (gate: Gate, team: Team) => (await createInvitation(gate, team.people.owner, { email_address: `${gate.services.random.uuid()}@example.com`, invitation_role: "viewer" })).id;

async function someSlug(gate: Gate, { people: { owner } }: Team): Promise<string> {
  const workflow_slug = `w-${gate.services.random.uuid()}`;
  await createWorkflow(gate, owner, { workflow_slug, display_name: "W" });
  return workflow_slug;
}

async function someWorkflow(gate: Gate, team: Team): Promise<string> {
  return (await readWorkflowBySlug(gate, team.people.owner, { workflow_slug: await someSlug(gate, team) })).id;
}

/** A workflow and its first snapshot, joined by a slash. */
async function someSnapshot(gate: Gate, team: Team): Promise<string> {
  const workflow_id = await someWorkflow(gate, team);
  const [first] = (await listSnapshots(gate, team.people.owner, { workflow_id })).snapshot_list;
  return `${workflow_id}/${first?.id}`;
}

const someTask = async (gate: Gate, team: Team) => (await runWorkflow(gate, team.people.owner, { workflow_id: await someWorkflow(gate, team) })).task_id;

async function someFile(gate: Gate, { people: { owner } }: Team): Promise<string> {
  const { file_key } = await presignUpload(gate, owner, { file_name: "a.png", file_size: 1, content_type: "image/png" });
  await gate.store.write(async (writer) => void (await writer.update(writer.tables.files).set({ status: "stored", sha256: "00" })));
  return file_key;
}

function snapshotIn(pair: string): { readonly workflow_id: string; readonly snapshot_id: string } {
  const [workflow_id = "", snapshot_id = absent] = pair.split("/");
  return { workflow_id, snapshot_id };
}

const aWebhook = { display_name: "W", webhook_url: "https://receiver.example/", webhook_events: ["task.completed"] };
const someWebhook = async (gate: Gate, team: Team) => (await createWebhook(gate, team.people.owner, aWebhook)).id;

/** A webhook and a delivery that is settled, joined by a slash. */
async function someDelivery(gate: Gate, team: Team): Promise<string> {
  const webhook_id = await someWebhook(gate, team);
  const { delivery_id } = await testWebhook(gate, team.people.owner, { webhook_id });
  await updateWebhook(gate, team.people.owner, { webhook_id, webhook_status: "disabled" });
  await updateWebhook(gate, team.people.owner, { webhook_id, webhook_status: "active" });
  return `${webhook_id}/${delivery_id}`;
}

function deliveryIn(pair: string): { readonly webhook_id: string; readonly delivery_id: string } {
  const [webhook_id = "", delivery_id = absent] = pair.split("/");
  return { webhook_id, delivery_id };
}

/** An agent that is connected and lets tunnels in to one port; its name. */
async function someAgent(gate: Gate, { id: teamId, people }: Team): Promise<string> {
  const { id: credentialId } = await addKey(gate, people.owner, "agent");
  const agent_id = `node-${gate.services.random.uuid()}`;
  const hello = { type: "hello", protocol: 1, agent_id, agent_version: "1", labels: [], capacity: 1, tunnel_ports: [8_188], services: ["external" as const], holds: [] };
  await connectAgent(gate, { kind: "agent", credentialId, teamId }, { hello: { ...hello, type: "hello" }, sessionId: gate.services.random.uuid(), gatewayId: "gw-1", replaces: undefined });
  return agent_id;
}

/** An agent and a tunnel to it, joined by a slash. */
async function someTunnel(gate: Gate, team: Team): Promise<string> {
  const agent_id = await someAgent(gate, team);
  return `${agent_id}/${(await openTunnel(gate, team.people.owner, { agent_id })).session_id}`;
}

function tunnelIn(pair: string): { readonly agent_id: string; readonly session_id: string } {
  const [agent_id = "", session_id = absent] = pair.split("/");
  return { agent_id, session_id };
}

const aService = (gate: Gate) => ({ service_slug: `s-${gate.services.random.uuid()}`, display_name: "S", service_type: "external", external_url: "https://service.example" });
const someService = async (gate: Gate, team: Team) => (await createService(gate, team.people.owner, aService(gate))).id;

/** One that an agent of the team calls; its slug. */
async function someCallable(gate: Gate, team: Team): Promise<string> {
  const service = aService(gate);
  await createService(gate, team.people.owner, service);
  await someAgent(gate, team);
  return service.service_slug;
}

const walks: Readonly<Record<TeamAction, Walk>> = {
  "team.read": { attempt: (gate, caller) => readTeam(gate, caller, undefined) },
  "team.update": { attempt: (gate, caller) => updateTeam(gate, caller, { display_name: "N" }) },
  "team.transfer": { object: someMember, attempt: (gate, caller, new_owner_id) => transferTeam(gate, caller, { new_owner_id }) },
  "team.delete": { attempt: (gate, caller) => deleteTeam(gate, caller, undefined) },
  "member.list": { attempt: (gate, caller) => listMembers(gate, caller, {}) },
  "member.set_role": { object: someMember, attempt: (gate, caller, user_id) => setMemberRole(gate, caller, { user_id, role: "viewer" }) },
  "member.remove": { object: someMember, attempt: (gate, caller, user_id) => removeMember(gate, caller, { user_id }) },
  "invitation.create": { attempt: (gate, caller) => createInvitation(gate, caller, { email_address: "p@example.com", invitation_role: "viewer" }) },
  "invitation.list": { attempt: (gate, caller) => listInvitations(gate, caller, {}) },
  "invitation.cancel": { object: someInvitation, attempt: (gate, caller, invitation_id) => cancelInvitation(gate, caller, { invitation_id }) },
  "quota.read": { attempt: (gate, caller) => readQuotas(gate, caller, undefined) },
  "credential.create": { attempt: (gate, caller) => createCredential(gate, caller, { kind: "integration", display_name: "K" }) },
  "credential.list": { attempt: (gate, caller) => listCredentials(gate, caller, {}) },
  "credential.rotate": { object: someKey, attempt: (gate, caller, credential_id) => rotateCredential(gate, caller, { credential_id }) },
  "credential.revoke": { object: someKey, attempt: (gate, caller, credential_id) => revokeCredential(gate, caller, { credential_id }) },
  "audit.list": { attempt: (gate, caller) => listAudit(gate, caller, {}) },
  "audit.export": { attempt: (gate, caller) => exportAudit(gate, caller, {}) },
  "pairing.confirm": { attempt: async (gate, caller) => confirmPairing(gate, caller, { user_code: (await startPairing(gate, anonymous, undefined)).user_code }) },
  "workflow.list_runtime": { attempt: (gate, caller) => listRuntimeWorkflows(gate, caller, {}) },
  "workflow.read_runtime": { object: someWorkflow, attempt: (gate, caller, workflow_id) => readRuntimeWorkflow(gate, caller, { workflow_id }) },
  "workflow.read_by_slug": { object: someSlug, attempt: (gate, caller, workflow_slug) => readWorkflowBySlug(gate, caller, { workflow_slug }) },
  "workflow.list": { attempt: (gate, caller) => listWorkflows(gate, caller, {}) },
  "workflow.read": { object: someWorkflow, attempt: (gate, caller, workflow_id) => readWorkflow(gate, caller, { workflow_id }) },
  "workflow.create": { attempt: (gate, caller) => createWorkflow(gate, caller, { workflow_slug: "new", display_name: "N" }) },
  "workflow.import": { attempt: (gate, caller) => importWorkflow(gate, caller, { workflow_slug: "new", display_name: "N" }) },
  "workflow.update": { object: someWorkflow, attempt: (gate, caller, workflow_id) => updateWorkflow(gate, caller, { workflow_id, display_name: "N" }) },
  "workflow.delete": { object: someWorkflow, attempt: (gate, caller, workflow_id) => deleteWorkflow(gate, caller, { workflow_id }) },
  "workflow_snapshot.list": { object: someWorkflow, attempt: (gate, caller, workflow_id) => listSnapshots(gate, caller, { workflow_id }) },
  "workflow_snapshot.read": { object: someSnapshot, attempt: (gate, caller, pair) => readSnapshot(gate, caller, snapshotIn(pair)) },
  "workflow_snapshot.restore": { object: someSnapshot, attempt: (gate, caller, pair) => restoreSnapshot(gate, caller, snapshotIn(pair)) },
  "file.presign": { attempt: (gate, caller) => presignUpload(gate, caller, { file_name: "a.png", file_size: 1, content_type: "image/png" }) },
  "file.presign_download": { object: someFile, attempt: (gate, caller, file_key) => presignDownload(gate, caller, { file_key }) },
  "webhook.list": { attempt: (gate, caller) => listWebhooks(gate, caller, {}) },
  "webhook.read": { object: someWebhook, attempt: (gate, caller, webhook_id) => readWebhook(gate, caller, { webhook_id }) },
  "webhook.create": { attempt: (gate, caller) => createWebhook(gate, caller, aWebhook) },
  "webhook.update": { object: someWebhook, attempt: (gate, caller, webhook_id) => updateWebhook(gate, caller, { webhook_id, display_name: "N" }) },
  "webhook.delete": { object: someWebhook, attempt: (gate, caller, webhook_id) => deleteWebhook(gate, caller, { webhook_id }) },
  "webhook.rotate_secret": { object: someWebhook, attempt: (gate, caller, webhook_id) => rotateWebhookSecret(gate, caller, { webhook_id }) },
  "webhook.test": { object: someWebhook, attempt: (gate, caller, webhook_id) => testWebhook(gate, caller, { webhook_id }) },
  "webhook_delivery.list": { object: someWebhook, attempt: (gate, caller, webhook_id) => listDeliveries(gate, caller, { webhook_id }) },
  "webhook_delivery.read": { object: someDelivery, attempt: (gate, caller, pair) => readDelivery(gate, caller, deliveryIn(pair)) },
  "webhook_delivery.replay": { object: someDelivery, attempt: (gate, caller, pair) => replayDelivery(gate, caller, deliveryIn(pair)) },
  "webhook_delivery.replay_range": { object: someWebhook, attempt: (gate, caller, webhook_id) => replayRange(gate, caller, { webhook_id, since: "2026-01-01T00:00:00Z" }) },
  "task.run": { object: someWorkflow, attempt: (gate, caller, workflow_id) => runWorkflow(gate, caller, { workflow_id }) },
  "task.run_by_slug": { object: someSlug, attempt: (gate, caller, workflow_slug) => runWorkflowBySlug(gate, caller, { workflow_slug }) },
  "task.list": { attempt: (gate, caller) => listTasks(gate, caller, {}) },
  "task.read": { object: someTask, attempt: (gate, caller, task_id) => readTask(gate, caller, { task_id }) },
  "task.read_result": { object: someTask, attempt: (gate, caller, task_id) => readTaskResult(gate, caller, { task_id }) },
  "task.follow": { object: someTask, attempt: (gate, caller, task_id) => readTaskEvents(gate, caller, { task_id, after: 0 }) },
  "task.cancel": { object: someTask, attempt: (gate, caller, task_id) => cancelTask(gate, caller, { task_id }) },
  "container.list": { attempt: (gate, caller) => listServices(gate, caller, {}) },
  "container.read": { object: someService, attempt: (gate, caller, service_id) => readService(gate, caller, { service_id }) },
  "container.create": { attempt: (gate, caller) => createService(gate, caller, aService(gate)) },
  "container.update": { object: someService, attempt: (gate, caller, service_id) => updateService(gate, caller, { service_id, display_name: "N" }) },
  "container.delete": { object: someService, attempt: (gate, caller, service_id) => deleteService(gate, caller, { service_id }) },
  "container.deploy": { object: someService, attempt: (gate, caller, service_id) => deployService(gate, caller, { service_id }) },
  "container.stop": { object: someService, attempt: (gate, caller, service_id) => stopService(gate, caller, { service_id }) },
  "container.list_runtime": { attempt: (gate, caller) => listRuntimeServices(gate, caller, {}) },
  "container.read_by_slug": { object: someCallable, attempt: (gate, caller, service_slug) => readServiceBySlug(gate, caller, { service_slug }) },
  "container.call": { object: someCallable, attempt: (gate, caller, service_slug) => callService(gate, caller, { service_slug, path: "/" }) },
  "container.invoke": { object: someCallable, attempt: (gate, caller, service_slug) => invokeService(gate, caller, { service_slug, path: "/" }) },
  "tunnel.open": { object: someAgent, attempt: (gate, caller, agent_id) => openTunnel(gate, caller, { agent_id }) },
  "tunnel.read": { attempt: (gate, caller) => readTunnels(gate, caller, { agent_id: "node-1" }) },
  "tunnel.close": { object: someTunnel, attempt: (gate, caller, pair) => closeTunnels(gate, caller, tunnelIn(pair)) },
  "agent.list": { attempt: (gate, caller) => listAgents(gate, caller, {}) },
  "agent.list_runtime": { attempt: (gate, caller) => listRuntimeAgents(gate, caller, {}) },
};

async function makeTeam({ gate }: TestGate): Promise<Team> {
  const id = await addTeam(gate);
  const person = async (role: Role) => await addPerson(gate, { teamId: id, role });
  return { id, people: { owner: await person("owner"), admin: await person("admin"), member: await person("member"), viewer: await person("viewer") } };
}

/** Everything that a caller is told. */
async function told(attempt: Promise<unknown>): Promise<string> {
  const { code, message, hint, details } = await refusalOf(attempt);
  return JSON.stringify({ code, message, hint, details });
}

const NOT_FOUND = { code: "not_found", message: "resource not found" };

test.each(actions)("%s: every role, on own, foreign and missing things", async (action) => {
  await using world = await testGate();
  const { gate } = world;
  const other = await makeTeam(world);
  const { object, attempt } = walks[action];
  for (const role of roles) {
    const team = await makeTeam(world);
    const caller = team.people[role];
    // A team of others, whatever one's role is in the own one, and whether or not it exists.
    const [foreignTeam, missingTeam] = [await told(attempt(gate, { ...caller, teamId: other.id }, absent)), await told(attempt(gate, { ...caller, teamId: absent }, absent))];
    expect([role, JSON.parse(foreignTeam)]).toMatchObject([role, NOT_FOUND]);
    expect(foreignTeam).toBe(missingTeam);
    if (object !== undefined) {
      const [foreign, missing] = [await told(attempt(gate, caller, await object(gate, other))), await told(attempt(gate, caller, absent))];
      expect([role, JSON.parse(foreign)]).toMatchObject([role, mayDo(role, action) ? NOT_FOUND : { code: "forbidden" }]);
      expect(foreign).toBe(missing);
    }
    const own = attempt(gate, caller, (await object?.(gate, team)) ?? absent);
    if (mayDo(role, action)) await own;
    else expect([role, (await refusalOf(own)).code]).toEqual([role, "forbidden"]);
  }
});

test("nobody who belongs to no team does anything in one", async () => {
  await using world = await testGate();
  const team = await makeTeam(world);
  for (const action of actions) {
    // Administrators of the deployment read its log, and that is all they do in teams of others.
    const stranger = { ...(await addPerson(world.gate)), teamId: team.id, isAdministrator: !action.startsWith("audit.") };
    const { object, attempt } = walks[action];
    const id = (await object?.(world.gate, team)) ?? absent;
    expect([action, JSON.parse(await told(attempt(world.gate, stranger, id)))]).toMatchObject([action, NOT_FOUND]);
  }
});
