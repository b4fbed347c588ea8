/** What the looks of `cyberun doctor` and of the system page work on, and what each finds. */
import type { Role } from "../config/setting.ts";
import { Fault } from "../fault.ts";
import type { Services } from "../services.ts";
import type { Settings } from "../settings.ts";

export type CheckStatus = "ok" | "warning" | "problem" | "skipped";

/** What one look has found. */
export interface Check {
  readonly name: string;
  readonly status: CheckStatus;
  readonly message: string;
  readonly hint: string | null;
}

/** What looks work on. */
export interface Patient {
  readonly config: {
    readonly roles: readonly Role[];
    readonly dataDir: string;
    readonly extraCaFile: string | undefined;
    readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
    readonly bind: string;
    readonly ports: Readonly<Record<Role, number>>;
  };
  readonly services: Services;
  /** The addresses that people, programs and agents are told. */
  readonly addresses: Pick<Settings, "publicUrl" | "issuerUrl" | "gatewayUrl">;
  /** A server runs on the data directory. */
  readonly isServed: boolean;
}

type Finding = (name: string, message: string, hint?: string) => Check;

const finding = (status: CheckStatus): Finding => (name, message, hint) => ({ name, status, message, hint: hint ?? null });

export const ok = finding("ok");
export const warning = finding("warning");
export const problem = finding("problem");
/** Not looked at, with why. */
export const skipped = finding("skipped");

/** What a look finds; what is refused while one looks is what was found. */
export async function looked(name: string, look: () => Promise<readonly Check[]>): Promise<readonly Check[]> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Fault) return [problem(name, error.message, error.hint)];
    throw error;
  }
}
