/** Rows of the table of commands: what administrators of the deployment do, on its host and as its operator. */
import { type CommandRow, host, onHost, pages } from "./command-row.ts";

const asUser = "USER is an id or an email address.";
const filter = ["operation", "actor", "subject", "team", "outcome", "from", "to"] as const;

export const deploymentCommands = {
  "users list": {
    purpose: "List the accounts of the deployment, the newest first",
    settings: host,
    options: ["json", "search", ...pages],
    notes: [onHost],
  },
  "users show": {
    purpose: "Show an account",
    operands: ["USER"],
    settings: host,
    options: ["json"],
    notes: [asUser, onHost],
  },
  "users create": {
    purpose: "Create an account, and a single-use link by which its person chooses a password",
    settings: host,
    options: ["json", "email", "firstName", "lastName", "administrator"],
    words: { firstName: { shownDefault: "none; required" }, lastName: { shownDefault: "none; required" }, administrator: { shownDefault: "no" } },
    notes: ["It needs a good license, and so a running server. Hand the link to nobody but its person."],
  },
  "users update": {
    purpose: "Change an account's names, or whether it administers the deployment",
    operands: ["USER"],
    settings: host,
    options: ["json", "firstName", "lastName", "displayName", "administrator"],
    words: { firstName: { shownDefault: "as it is" }, lastName: { shownDefault: "as it is" } },
    notes: [asUser, onHost],
  },
  "users disable": {
    purpose: "Shut an account and end its sessions at once",
    operands: ["USER"],
    settings: host,
    options: ["json"],
    notes: [`${asUser} users enable opens it again. The last administrator is not shut out.`, onHost],
  },
  "users enable": {
    purpose: "Open a disabled account again",
    operands: ["USER"],
    settings: host,
    options: ["json"],
    notes: [asUser, onHost],
  },
  "users delete": {
    purpose: "Delete an account for good, with everything that stands for its person",
    operands: ["USER"],
    settings: host,
    options: ["json", "yes"],
    notes: [`${asUser} It ends in 6 while the person owns a team. Keys that the person made for a team are the team's and stay.`, onHost],
  },
  "deployment teams": {
    purpose: "List all teams of the deployment with their owners, the newest first",
    settings: host,
    options: ["json", ...pages],
    notes: [onHost],
  },
  "deployment quotas": {
    purpose: "Show the license's caps on the deployment, and how much of each is used",
    settings: host,
    options: ["json"],
    notes: ["Caps come from the lease, and so from a running server. A limit of -1 is unlimited, 0 allows none."],
  },
  "audit list": {
    purpose: "Show the audit log, the newest first",
    settings: host,
    options: ["json", ...filter, ...pages],
    notes: [onHost],
  },
} as const satisfies Record<string, CommandRow>;
