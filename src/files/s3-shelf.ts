/**
 * The shelf in an S3-compatible store, through the runtime's own client.
 *
 *     body → this host's disk, counted and hashed → stored/AA/ID/SHA256 in the bucket → row stored
 *
 * Rule: an object's name holds the bytes' SHA-256, so whoever sends other bytes under the same id writes another object, and the row
 * says which one is meant. Nothing is sent before all of it is here: the client ends a stream that is given up by completing
 * it.
 */
import { rmSync } from "node:fs";
import { S3Client } from "bun";
import { Fault } from "../fault.ts";
import type { Services } from "../services.ts";
import type { Secret } from "../secret.ts";
import type { DiskShelf } from "./disk-shelf.ts";
import type { Lying, Received, Shelf } from "./shelf.ts";

/** An object without a row may be on its way into one for so long. */
const UNKNOWN_MS = 6 * 3_600_000;
const PART_BYTES = 8 * 1_048_576;
/** Of one object, with all of its parts. */
const STORE_MS_MAX = 15 * 60_000;
const ANSWER_MS_MAX = 30_000;
const RETRIES = 3;
const KEY = /\/([0-9a-f-]{36})\/([0-9a-f]{64})$/;

export interface S3Settings {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secret: Secret;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "no answer";
}

function unavailable(cause: unknown): Fault {
  return new Fault("unavailable", "The object store does not take or give the file.", { hint: "Try again; the operator finds its answer in the log.", cause, retryAfterSeconds: 10 });
}

export class S3Shelf implements Shelf {
  readonly #client: S3Client;
  readonly #services: Services;
  /** Where bytes are until they are in the store. */
  readonly #spool: DiskShelf;

  constructor({ endpoint, bucket, region, accessKeyId, secret }: S3Settings, { services, spool }: { readonly services: Services; readonly spool: DiskShelf }) {
    this.#services = services;
    this.#spool = spool;
    this.#client = new S3Client({ endpoint, bucket, region, accessKeyId, secretAccessKey: secret.reveal() });
  }

  /** Throws Fault `unavailable` that names what the store answered, where it does not let this deployment in. */
  async check(): Promise<void> {
    try {
      await this.#within(ANSWER_MS_MAX, this.#client.list({ prefix: "stored/", maxKeys: 1 }));
    } catch (cause) {
      throw new Fault("unavailable", `The object store cannot be used: ${codeOf(cause)}.`, { hint: "Check address, bucket, region, access key and secret of the S3 settings.", cause });
    }
  }

  async receive(id: string, size: number, body: AsyncIterable<Uint8Array>): Promise<Received> {
    const { path, sha256 } = await this.#spool.take(id, size, body);
    const drop = () => rmSync(path, { force: true });
    try {
      await this.#within(STORE_MS_MAX, this.#client.file(keyOf({ id, sha256 })).write(Bun.file(path), { partSize: PART_BYTES, queueSize: 2, retry: RETRIES }));
    } catch (error) {
      drop();
      throw unavailable(error);
    }
    return { sha256, keep: () => {}, drop };
  }

  async body(file: { readonly id: string; readonly sha256: string }): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const object = this.#client.file(keyOf(file));
    try {
      // So that a store which does not answer is a refusal, and no answer that breaks off.
      await this.#within(ANSWER_MS_MAX, object.stat());
    } catch (error) {
      throw unavailable(error);
    }
    return object.stream();
  }

  async remove({ id, sha256 }: Lying): Promise<void> {
    if (sha256 !== undefined) await this.#within(ANSWER_MS_MAX, this.#client.delete(keyOf({ id, sha256 })));
  }

  async lying(folder: number, nowMs: number): Promise<readonly Lying[]> {
    const prefix = `stored/${folder.toString(16).padStart(2, "0")}/`;
    const found: Lying[] = [];
    let startAfter: string | undefined;
    do {
      const page = await this.#within(ANSWER_MS_MAX, this.#client.list({ prefix, ...(startAfter === undefined ? {} : { startAfter }) }));
      const contents = page.contents ?? [];
      for (const { key, lastModified } of contents) {
        const [, id, sha256] = KEY.exec(key) ?? [];
        const isOld = lastModified !== undefined && nowMs - Date.parse(lastModified) > UNKNOWN_MS;
        if (id !== undefined && sha256 !== undefined && isOld) found.push({ id, sha256 });
      }
      startAfter = page.isTruncated === true ? contents.at(-1)?.key : undefined;
    } while (startAfter !== undefined);
    return found;
  }

  sweep(nowMs: number): void {
    this.#spool.sweep(nowMs);
  }

  async #within<T>(ms: number, work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const cancel = this.#services.clock.after(ms, () => reject(new Error(`the object store did not answer within ${ms / 1_000} seconds`)));
    try {
      return await Promise.race([work, promise]);
    } finally {
      cancel();
    }
  }
}

function keyOf({ id, sha256 }: { readonly id: string; readonly sha256: string }): string {
  return `stored/${id.slice(-2)}/${id}/${sha256}`;
}
