/**
 * The certificate that the ports show, as its files are now: whoever replaces them need not restart anything.
 *
 * Files are looked at every few seconds, since neither a mounted secret nor a copy from removable media tells anybody that
 * it changed. A pair that cannot be, such as the half of one that is being copied, is told of once and the one before stays.
 */
import { X509Certificate } from "node:crypto";
import { type CertificateFiles, readServerCertificate, type ServerCertificate } from "../certificates.ts";
import { Fault } from "../fault.ts";
import type { Log } from "../log.ts";
import type { Cancel, Services } from "../services.ts";
import { DAY_MS, RENEWAL_DAYS, renewOwnCertificate } from "./local-authority.ts";

export const LOOK_MS = 2_000;

export interface CertificateWatchOptions {
  readonly files: CertificateFiles;
  readonly services: Pick<Services, "clock" | "random">;
  readonly log: Log;
}

export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  readonly #listeners: ((certificate: ServerCertificate) => void)[] = [];
  /** Processes that share the files do not renew them in the same moment: the second one finds it done. */
  readonly #leadMs: number;
  #current: ServerCertificate;
  #problem: string | undefined;
  #reloads = 0;
  #cancel: Cancel = () => {};

  /** Throws Fault `invalid_request` for files that cannot be. */
  constructor(options: CertificateWatchOptions) {
    this.#options = options;
    this.#leadMs = (RENEWAL_DAYS - options.services.random.fraction()) * DAY_MS;
    this.#current = readServerCertificate(options.files);
    this.#arm();
  }

  get current(): ServerCertificate {
    return this.#current;
  }

  /** How often another pair was taken. */
  get reloads(): number {
    return this.#reloads;
  }

  /** Whether the files hold something that was not taken. */
  get isStale(): boolean {
    return this.#problem !== undefined;
  }

  /** Seconds until the certificate in force ends; negative when it is past. */
  get expiresInSeconds(): number {
    return Math.round((Date.parse(new X509Certificate(this.#current.cert).validTo) - this.#options.services.clock.now()) / 1_000);
  }

  /** Calls `listener` with each pair that takes over. */
  onChange(listener: (certificate: ServerCertificate) => void): void {
    this.#listeners.push(listener);
  }

  stop(): void {
    this.#cancel();
  }

  #arm(): void {
    this.#cancel = this.#options.services.clock.after(LOOK_MS, () => {
      this.#look();
      this.#arm();
    });
  }

  #look(): void {
    const { files, services, log } = this.#options;
    try {
      if (renewOwnCertificate(files.certFile, services, this.#leadMs)) log.write("info", "tls.renewed", { file: files.certFile });
      const found = readServerCertificate(files);
      this.#problem = undefined;
      if (found.cert !== this.#current.cert || found.key !== this.#current.key) this.#take(found);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #take(found: ServerCertificate): void {
    for (const listener of this.#listeners) listener(found);
    this.#current = found;
    this.#reloads += 1;
    const { fingerprint256, validTo } = new X509Certificate(found.cert);
    this.#options.log.write("info", "tls.reloaded", { file: this.#options.files.certFile, fingerprint256, ends: new Date(Date.parse(validTo)).toISOString() });
  }

  #refuse(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.log.write("error", "tls.not_reloaded", { file: this.#options.files.certFile, ...(error instanceof Fault ? { problem, hint: error.hint } : { error }) });
  }
}

interface Watching {
  readonly outside: Services;
  readonly log: Log;
  /** Stops the watch with whatever else it stops. */
  readonly stops: AsyncDisposableStack;
}

/** Watches the files, where there are any. Throws a Fault when they hold no certificate that can be used. */
export function watchCertificate(files: CertificateFiles | undefined, { outside, log, stops }: Watching): CertificateWatch | undefined {
  if (files === undefined) return undefined;
  const watch = new CertificateWatch({ files, services: outside, log });
  stops.defer(() => watch.stop());
  return watch;
}
