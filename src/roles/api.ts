/**
 * The API server: REST, pages, and the way to the license.
 *
 * Rule: doors only. Each translates one documented request into one operation and its value into the documented answer.
 */
import type { Way } from "../certificates.ts";
import { refusalWithStart } from "../dashboard/pages.ts";
import { frameOfRefusal } from "../dashboard/visit-frame.ts";
import type { Fault } from "../fault.ts";
import type { Bell } from "../tasks/bell.ts";
import type { BackupSite } from "../backup/site.ts";
import type { Shelf } from "../files/shelf.ts";
import type { Gate } from "../gate/operation.ts";
import type { App } from "../http/listener.ts";
import type { LicenseServerLink } from "../license/upload.ts";
import type { Log } from "../log.ts";
import type { Keyring } from "../oidc/keyring.ts";
import type { SystemView } from "../system/system.ts";
import { addAuditDoors } from "./api/audit.ts";
import { addBackupDoors } from "./api/backups.ts";
import { addConsentDoors } from "./api/consents.ts";
import { addContainerDoors } from "./api/containers.ts";
import { addDeviceDoors } from "./api/devices.ts";
import { addFederationDoors } from "./api/federation.ts";
import { addFileDoors } from "./api/files.ts";
import { refused } from "./api/forms.ts";
import { addHandbookDoors } from "./api/handbook.ts";
import { addInvitationDoors } from "./api/invitations.ts";
import { addInvitationPages } from "./api/invitation-pages.ts";
import { addLicenseDoors } from "./api/license.ts";
import { addManagementDoors } from "./api/management.ts";
import { addMcpDoors, challengeAtMcp, type McpServers } from "./api/mcp.ts";
import { addNotificationDoors } from "./api/notifications.ts";
import { addOidcClientDoors } from "./api/oidc-clients.ts";
import { addPages } from "./api/pages.ts";
import { addPasskeyDoors } from "./api/passkeys.ts";
import { addPeopleDoors } from "./api/people.ts";
import { addReferenceDoors } from "./api/reference.ts";
import { addRuntimeDoors } from "./api/runtime.ts";
import { addSessionDoors } from "./api/sessions.ts";
import { addAgentDoors } from "./api/agents.ts";
import type { TaskStreams } from "./api/task-events.ts";
import { addSigningKeyDoors } from "./api/signing-keys.ts";
import { addSystemDoors } from "./api/system.ts";
import { addTaskDoors } from "./api/tasks.ts";
import { addTeamDoors } from "./api/teams.ts";
import { addTunnelApiDoors } from "./api/tunnels.ts";
import { addUserDoors } from "./api/users.ts";
import { addWebhookDoors } from "./api/webhooks.ts";
import { addWorkflowDoors } from "./api/workflows.ts";
import { addUpstreamDoors } from "./api/upstream.ts";

export interface ApiOptions {
  readonly gate: Gate;
  readonly log: Log;
  readonly keyring: Keyring;
  readonly licenseServer: LicenseServerLink;
  readonly system: SystemView;
  /** The way to the issuer, for the dashboard's own sign-in. */
  readonly issuer: Way;
  readonly streams: TaskStreams;
  readonly shelf: Shelf;
  readonly backups: BackupSite;
  /** Rung when there is something new to dispatch. */
  readonly bell: Bell;
  /** Rung when a tunnel was opened or closed, or what shall run of a service has changed. */
  readonly accessBell: Bell;
  /** The way to the gateway, for calls to services. */
  readonly relay: Way;
  /** What the MCP endpoint serves; other than the product's own tools in tests only. */
  readonly mcpServers?: McpServers;
}

/** Adds the API server's doors to `app`. */
export function addApiDoors(app: App, { gate, log, keyring, licenseServer, system, issuer, streams, bell, accessBell, relay, shelf, backups, mcpServers }: ApiOptions): void {
  addSessionDoors(app, gate, keyring);
  addManagementDoors(app, gate);
  addUserDoors(app, gate);
  addNotificationDoors(app, gate);
  addTeamDoors(app, gate);
  addInvitationDoors(app, gate);
  addInvitationPages(app, gate);
  addPeopleDoors(app, gate);
  addDeviceDoors(app, gate);
  addPasskeyDoors(app, gate);
  addWorkflowDoors(app, gate);
  addRuntimeDoors(app, gate);
  addFileDoors(app, gate, shelf);
  addWebhookDoors(app, gate);
  addTaskDoors(app, streams, bell);
  addAgentDoors(app, gate);
  addTunnelApiDoors(app, gate, accessBell);
  addContainerDoors(app, gate, { ...relay, bell: accessBell });
  addMcpDoors(app, { log, gate, streams, bell, relay: { ...relay, bell: accessBell }, servers: mcpServers });
  addLicenseDoors(app, gate, licenseServer);
  addSystemDoors(app, gate, system);
  addOidcClientDoors(app, gate);
  addSigningKeyDoors(app, gate);
  addConsentDoors(app, gate);
  addAuditDoors(app, gate);
  addBackupDoors(app, gate, backups);
  addUpstreamDoors(app, gate, keyring);
  addFederationDoors(app, gate, keyring);
  addPages(app, gate, { ...issuer, keyring });
  addHandbookDoors(app, gate);
  addReferenceDoors(app, gate);
}

/** Refusals outside `/api/` go to people, so they are pages; those at the MCP endpoint say how it is called. */
export function respondAsPage(gate: Gate) {
  return async (fault: Fault, request: Request): Promise<Response | undefined> => {
    const challenge = challengeAtMcp(gate, fault, request);
    if (challenge !== undefined) return challenge;
    const isPage = !new URL(request.url).pathname.startsWith("/api/") && (request.headers.get("accept") ?? "").includes("text/html");
    return isPage ? refused(refusalWithStart(await frameOfRefusal(gate, request), fault), fault) : undefined;
  };
}
