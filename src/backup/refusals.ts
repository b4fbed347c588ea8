/**
 * Why a backup file is refused: a closed set of words, each with its code, so that scripts can tell them apart.
 *
 * Rule: every refusal of a backup's bytes is made here. `docs/backup.md` has the table.
 */
import { Fault, type FaultCode } from "../fault.ts";

interface RefusalRow {
  readonly code: FaultCode;
  readonly message: string;
  readonly hint: string;
}

const refusals = {
  not_a_backup: { code: "invalid_request", message: "The file is not a backup of this product.", hint: "Name a file that cyberun backup create has written." },
  newer_format: { code: "upgrade_required", message: "The backup has a newer format than this build reads.", hint: "Use the build that made it, or a newer one." },
  newer_schema: { code: "upgrade_required", message: "The database in the backup has a newer schema than this build knows.", hint: "Use the build that made the backup, or a newer one." },
  truncated: { code: "precondition_failed", message: "The backup is cut short: its end is missing.", hint: "Copy it again from where it was made; if it is short there too, use an earlier one." },
  tampered: { code: "conflict", message: "The backup was changed or damaged: what it holds does not fit its hashes and signature.", hint: "Do not use it. Copy it again from where it was made, or use another one." },
  key_needed: { code: "invalid_request", message: "The backup is encrypted.", hint: "Name the file with its passphrase (--passphrase-file) or with the key of its recipient (--identity-file)." },
  wrong_key: { code: "unauthenticated", message: "The backup does not open with this passphrase or key.", hint: "Name the passphrase or the key that it was made for." },
  unknown_signer: { code: "forbidden", message: "The backup is whole, but another deployment than the expected one signed it.", hint: "If it is really the one you want, name its signer with --signer." },
} as const satisfies Record<string, RefusalRow>;

export type BackupRefusal = keyof typeof refusals;

/** The refusal; `what` says more, in one sentence. */
export function backupFault(refusal: BackupRefusal, what?: string): Fault {
  const { code, message, hint } = refusals[refusal];
  return new Fault(code, what === undefined ? message : `${message} ${what}`, { hint, details: { refusal } });
}
