/** Rows of the table of commands: what people do in their teams, as the device that this machine is or signed in for it. */
import { type CommandRow, pages, person } from "./command-row.ts";

const signIn = ["email", "team", "passwordFile", "passwordStdin", "codeFile"] as const;
const acting = {
  email: { help: "Sign this person in for this command", shownDefault: "none; the profile acts" },
  team: { help: "Team to act in, with --email", shownDefault: "the person's only one" },
} as const;

const asPerson =
  "It acts as the person whose device this machine is (cyberun login), in the team that the device was paired for. With --email that person signs in for this one command, and --team names the team.";
const forKeys = { ...acting, email: { help: "Who signs in for this command", shownDefault: "none; required" } } as const;
const asSignedIn =
  "No key manages keys: a person signs in for this one command, with the password and, where there is one, a code of the second factor. Both are asked for on a terminal or read from files, and the sign-in ends with the command.";
const member = "The id is that of members list.";

export const peopleCommands = {
  "teams list": {
    purpose: "List the own teams, with the role in each",
    settings: person,
    options: ["json", ...pages, ...signIn],
    words: acting,
    notes: ["A device sees the team that it was paired for; with --email all are listed.", asPerson],
  },
  "teams create": {
    purpose: "Create a team and own it",
    operands: ["NAME"],
    settings: person,
    options: ["json", ...signIn],
    words: acting,
    notes: ["A device goes on to speak in its own team: for the new one sign another profile in, or use --email with --team.", asPerson],
  },
  "teams show": {
    purpose: "Show the team that is spoken in",
    settings: person,
    options: ["json", ...signIn],
    words: acting,
    notes: [asPerson],
  },
  "teams rename": {
    purpose: "Give the team another name",
    operands: ["NAME"],
    settings: person,
    options: ["json", ...signIn],
    words: acting,
    notes: [asPerson],
  },
  "teams transfer": {
    purpose: "Hand the team on to another member, who owns it then",
    operands: ["USER_ID"],
    settings: person,
    options: ["json", "yes", ...signIn],
    words: acting,
    notes: [`${member} Only the new owner can give it back.`, asPerson],
  },
  "teams delete": {
    purpose: "Delete the team with everything it owns; its keys end at once",
    settings: person,
    options: ["json", "yes", ...signIn],
    words: acting,
    notes: [asPerson],
  },
  "members list": {
    purpose: "List the team's members",
    settings: person,
    options: ["json", ...pages, ...signIn],
    words: acting,
    notes: [asPerson],
  },
  "members set-role": {
    purpose: "Give a member another role: admin, member or viewer",
    operands: ["USER_ID", "ROLE"],
    settings: person,
    options: ["json", ...signIn],
    words: acting,
    notes: [`${member} A team is handed on with teams transfer.`, asPerson],
  },
  "members remove": {
    purpose: "Remove a member from the team, with the devices that speak for them there, or leave it",
    operands: ["USER_ID"],
    settings: person,
    options: ["json", "yes", ...signIn],
    words: acting,
    notes: [member, asPerson],
  },
  "invitations list": {
    purpose: "List the team's invitations that nobody has answered",
    settings: person,
    options: ["json", ...pages, ...signIn],
    words: acting,
    notes: [asPerson],
  },
  "invitations create": {
    purpose: "Invite an address into the team",
    operands: ["ADDRESS"],
    settings: person,
    options: ["json", "role", ...signIn],
    words: acting,
    notes: ["Where the deployment sends no mail, the link is printed once, to be handed on.", asPerson],
  },
  "invitations cancel": {
    purpose: "Take an invitation back",
    operands: ["ID"],
    settings: person,
    options: ["json", ...signIn],
    words: acting,
    notes: ["The id is that of invitations list.", asPerson],
  },
  "keys list": {
    purpose: "List the team's keys, the newest first, revoked ones too",
    settings: person,
    options: ["json", "kind", ...pages, ...signIn],
    words: forKeys,
    notes: [asSignedIn],
  },
  "keys create": {
    purpose: "Create an integration or agent key for the team; it is shown once",
    settings: person,
    options: ["json", "kind", "name", "expiresInDays", "scopes", "allowedCidrs", "out", ...signIn],
    words: {
      ...forKeys,
      kind: { help: "Kind of the key: integration or agent", shownDefault: "none; required" },
      name: { help: "Name of the key in the list", shownDefault: "none; required" },
    },
    notes: [asSignedIn],
  },
  "keys rotate": {
    purpose: "Make a new secret for a key; the one before ends at once, or after an overlap",
    operands: ["ID"],
    settings: person,
    options: ["json", "overlap", "out", "yes", ...signIn],
    words: { ...forKeys, overlap: { help: "How long the secret before stays good; 0 ends it at once", shownDefault: "0" } },
    notes: ["The id is that of keys list. Without an overlap it is asked about.", asSignedIn],
  },
  "keys revoke": {
    purpose: "Revoke a key for good",
    operands: ["ID"],
    settings: person,
    options: ["json", "yes", ...signIn],
    words: forKeys,
    notes: ["The id is that of keys list.", asSignedIn],
  },
  quotas: {
    purpose: "Show caps and use: of the own account, and of the team",
    settings: person,
    options: ["json", ...signIn],
    words: { ...acting, team: { help: "Team whose caps are shown too, with --email", shownDefault: "none" } },
    notes: ["A limit of -1 is unlimited, 0 allows none. Administrators who sign in see those of the deployment too.", asPerson],
  },
  "notifications list": {
    purpose: "List the own notifications, the newest first",
    settings: person,
    options: ["json", "unread", ...pages, ...signIn],
    words: acting,
    notes: [asPerson],
  },
  "notifications read": {
    purpose: "Mark a notification as read",
    operands: ["ID"],
    settings: person,
    options: ["json", ...signIn],
    words: acting,
    notes: [asPerson],
  },
  "notifications read-all": {
    purpose: "Mark all of the own notifications as read",
    settings: person,
    options: ["json", ...signIn],
    words: acting,
    notes: [asPerson],
  },
} as const satisfies Record<string, CommandRow>;
