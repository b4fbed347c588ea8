/**
 * Where the code of each command lies. It is loaded when the command runs, so that cheap ones stay cheap.
 *
 * Rule: total; a command without a loader does not compile.
 */
import type { CommandName } from "./commands.ts";
import type { Run } from "./context.ts";

export const loaders: Readonly<Record<CommandName, () => Promise<Run>>> = {
  serve: async () => (await import("./serve.ts")).serve,
  trial: async () => (await import("./trial.ts")).trial,
  "license status": async () => (await import("./license-status.ts")).licenseStatus,
  "license inspect": async () => (await import("./license-inspect.ts")).licenseInspect,
  "license test": async () => (await import("./license-install.ts")).licenseTest,
  "license install": async () => (await import("./license-install.ts")).licenseInstall,
  "license reload": async () => (await import("./license-install.ts")).licenseReload,
  "license fingerprint": async () => (await import("./license-fingerprint.ts")).licenseFingerprint,
  "license join-token": async () => (await import("./license-clients.ts")).licenseJoinToken,
  "license clients": async () => (await import("./license-clients.ts")).licenseClients,
  "admin create": async () => (await import("./admin.ts")).adminCreate,
  "admin setup-link": async () => (await import("./admin.ts")).adminSetupLink,
  "oidc keys list": async () => (await import("./oidc-keys.ts")).oidcKeysList,
  "oidc keys rotate": async () => (await import("./oidc-keys.ts")).oidcKeysRotate,
  "oidc keys revoke": async () => (await import("./oidc-keys.ts")).oidcKeysRevoke,
  "oidc keys add": async () => (await import("./oidc-keys.ts")).oidcKeysAdd,
  "oidc clients list": async () => (await import("./oidc-clients.ts")).oidcClientsList,
  "oidc clients show": async () => (await import("./oidc-clients.ts")).oidcClientsShow,
  "oidc clients create": async () => (await import("./oidc-clients.ts")).oidcClientsCreate,
  "oidc clients update": async () => (await import("./oidc-clients.ts")).oidcClientsUpdate,
  "oidc clients disable": async () => (await import("./oidc-clients.ts")).oidcClientsDisable,
  "oidc clients enable": async () => (await import("./oidc-clients.ts")).oidcClientsEnable,
  "oidc clients delete": async () => (await import("./oidc-clients.ts")).oidcClientsDelete,
  "oidc clients rotate-secret": async () => (await import("./oidc-clients.ts")).oidcClientsRotateSecret,
  "oidc clients token": async () => (await import("./oidc-clients.ts")).oidcClientsToken,
  "keys scan": async () => (await import("./keys-scan.ts")).keysScan,
  "admin reset-link": async () => (await import("./admin.ts")).adminResetLink,
  "admin reset-factor": async () => (await import("./admin.ts")).adminResetFactor,
  "audit export": async () => (await import("./audit.ts")).auditExport,
  "audit verify": async () => (await import("./audit.ts")).auditVerify,
  login: async () => (await import("./login.ts")).login,
  logout: async () => (await import("./login.ts")).logout,
  whoami: async () => (await import("./login.ts")).whoami,
  "devices list": async () => (await import("./devices.ts")).devicesList,
  "devices revoke": async () => (await import("./devices.ts")).devicesRevoke,
  "verify-self": async () => (await import("./verify-self.ts")).verifySelf,
  version: async () => (await import("./version.ts")).showVersion,
  help: async () => (await import("./help.ts")).showHelp,
};
