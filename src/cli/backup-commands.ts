/** Rows of the table of commands: backups of a deployment, from making one to putting it back. */
import { type CommandRow, host, onHost } from "./command-row.ts";

const where = [...host, "licenseFile", "backupDir"] as const;
const opened = "An encrypted backup needs --passphrase-file or --identity-file.";
const refusals = "A refusal names its kind in details.refusal: not_a_backup, newer_format, newer_schema, truncated, tampered, key_needed, wrong_key or unknown_signer; see backup.md for their exit codes.";

export const backupCommands = {
  "backup create": {
    purpose: "Make a backup of the deployment in one file, while it goes on",
    settings: where,
    options: ["json", "to", "passphraseFile", "recipient"],
    words: { to: { placeholder: "FILE", help: "New file for the backup", shownDefault: "a name with the time, in the backups' directory" } },
    notes: [
      "It holds the database (SQLite), files, configuration, license, marks, the audit's anchors and every key of the data directory, the master key too: encrypt it, or keep it as you keep that key. With PostgreSQL the database is not in it, and is backed up by PostgreSQL's own means.",
      onHost,
    ],
  },
  "backup verify": {
    purpose: "Check every hash and the signature of a backup; needs no server",
    operands: ["FILE"],
    settings: ["configFile", "dataDir"],
    options: ["json", "passphraseFile", "identityFile", "signer"],
    notes: [`${opened} The signer is compared with --signer, else with that of this host's data directory, if there is one.`, refusals],
  },
  "backup restore": {
    purpose: "Put a backup in place of a data directory, as a whole or not at all",
    operands: ["FILE"],
    settings: ["configFile", "dataDir"],
    options: ["json", "passphraseFile", "identityFile", "signer", "replace"],
    notes: [
      "Stop the server first: a directory in use is refused, and one that is not empty unless --replace is given. What lay there is kept in before-restore-ID in it.",
      "What the directory has ended since the backup stays ended: keys, sessions, clients, signing keys; and marks of the license do not go back. Into an empty directory there is nothing to compare with: see backup.md for what to do then.",
      `${opened} ${refusals}`,
    ],
  },
  "backup drill": {
    purpose: "Restore a backup into a folder of its own, open it, and say whether it is good",
    operands: ["FILE"],
    settings: where,
    options: ["json", "passphraseFile", "identityFile"],
    notes: ["It checks the signature, the database, its schema and counts, and the chain of the audit, and ends in 6 when something is wrong. The deployment is not touched.", opened, onHost],
  },
  "backup schedule": {
    purpose: "Say how the last backup and its drill went, and when the next is due",
    settings: [...where, "backupAt", "backupKeep"],
    options: ["json"],
    notes: ["The settings backup_at, backup_dir, backup_keep and backup_passphrase_file of the server decide. It ends in 6 when the last drill found something wrong or the last backup failed.", onHost],
  },
  "backup key": {
    purpose: "Make a key that backups can be encrypted to; needs no server",
    settings: [],
    options: ["json", "out"],
    words: { out: { help: "New file for the secret half, readable by this user alone", shownDefault: "none; required" } },
    notes: ["It prints the recipient, which is no secret, for backup create --recipient. Keep the file away from the host: backups for this recipient cannot be read without it."],
  },
} as const satisfies Record<string, CommandRow>;
