/**
 * An enrolled client that does nothing but renew: one exchange to begin with, and from then on a proof that answers the
 * challenge which came with the lease before.
 *
 * It signs every proof with its own key, as a role does, but judges only the first and the last lease of a run: the
 * generator shares the cores with the server, and the client's side of a renewal is not what is measured.
 */
import { readFileSync } from "node:fs";
import { encodeBase64url } from "../../../src/crypto/base64url.ts";
import { publicKeyFromX, publicX, signingKeyFromSeed, thumbprint } from "../../../src/crypto/jws.ts";
import { enrolmentMac } from "../../../src/license/enrolment-mac.ts";
import { type Challenge, ChallengeSchema, type Enrolment, type Lease, NextChallengeSchema, signProof, verifyLease } from "../../../src/license/lease.ts";
import { Compile } from "typebox/compile";
import { Type } from "typebox";
import { Connection, requestText } from "./connection.ts";

const challengeShape = Compile(ChallengeSchema);
const grantShape = Compile(Type.Object({ lease: Type.String(), next: NextChallengeSchema }));
const ROLE = "api";
const NONCE_BYTES = 32;

function nonce(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
}

function readSecret(path: string): Uint8Array | undefined {
  return path === "" ? undefined : Buffer.from(readFileSync(path, "latin1").trim(), "base64url");
}

export class LeaseClient {
  readonly #key = signingKeyFromSeed(crypto.getRandomValues(new Uint8Array(32)));
  readonly #publicX = publicX(this.#key.publicKey);
  readonly #url: URL;
  readonly #enrolSecret: Uint8Array | undefined;
  readonly #connection: Connection;
  /** The server's instance key, from the first exchange. */
  #instanceKey = "";
  #serverNonce = "";
  /** The last exchange, kept for {@link judge}. */
  #last: { readonly clientNonce: string; readonly lease: string } | undefined;
  #seen: Pick<Lease, "epoch" | "counter"> = { epoch: 0, counter: 0 };

  constructor(url: URL, enrolSecret: string) {
    this.#url = url;
    this.#enrolSecret = readSecret(enrolSecret);
    this.#connection = new Connection(url);
  }

  /** The whole exchange, which also shows that this client belongs here. */
  async enrol(): Promise<void> {
    const clientNonce = nonce();
    const challenge: unknown = JSON.parse(await this.#post("/v1/challenges", { client_key: this.#publicX, role: ROLE, client_nonce: clientNonce }));
    if (!challengeShape.Check(challenge)) throw new Error("the challenge has not the form of one");
    this.#instanceKey = challenge.instance_key;
    await this.#lease(clientNonce, challenge.server_nonce, this.#enrolment(challenge, clientNonce));
    this.judge();
  }

  /** One renewal: one request, one signature. Throws when it is refused. */
  async renew(): Promise<void> {
    await this.#lease(nonce(), this.#serverNonce);
  }

  /** Throws unless the last answer is a lease that grants, is new, and is signed for this very exchange. */
  judge(): void {
    if (this.#last === undefined) throw new Error("there was no renewal");
    const instance = { kid: thumbprint(this.#instanceKey), publicKey: publicKeyFromX(this.#instanceKey) };
    const lease = verifyLease(this.#last.lease, [instance]);
    if (lease.state !== "ok" && lease.state !== "expiring") throw new Error(`the lease grants nothing: ${lease.state}, ${lease.reason}`);
    if (lease.client_nonce !== this.#last.clientNonce || lease.client !== this.#key.kid) throw new Error("the lease is for another exchange");
    if (lease.epoch === this.#seen.epoch && lease.counter <= this.#seen.counter) throw new Error("the lease is not newer than the last one");
    this.#seen = { epoch: lease.epoch, counter: lease.counter };
  }

  close(): void {
    this.#connection.close();
  }

  #enrolment({ server_nonce }: Challenge, clientNonce: string): Enrolment | undefined {
    if (this.#enrolSecret === undefined) return undefined;
    const exchange = { clientKey: this.#publicX, role: ROLE, clientNonce, serverNonce: server_nonce };
    return { kind: "local", mac: enrolmentMac(this.#enrolSecret, exchange) };
  }

  async #lease(clientNonce: string, serverNonce: string, enrolment?: Enrolment): Promise<void> {
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const proof = signProof(this.#key, {
      purpose: "lease",
      audience: thumbprint(this.#instanceKey),
      role: ROLE,
      client_nonce: clientNonce,
      server_nonce: serverNonce,
      issued_at: nowSeconds,
      seen: { ...this.#seen, deployment_id: null, sequence: 0, time: nowSeconds },
      ...(enrolment === undefined ? {} : { enrolment }),
      version: "bench",
    });
    const grant: unknown = JSON.parse(await this.#post("/v1/leases", { proof }));
    if (!grantShape.Check(grant)) throw new Error("the answer has no lease, or no challenge for the next one");
    this.#serverNonce = grant.next.server_nonce;
    this.#last = { clientNonce, lease: grant.lease };
  }

  async #post(path: string, content: object): Promise<string> {
    const { status, body } = await this.#connection.send(requestText("POST", new URL(path, this.#url), {}, JSON.stringify(content)));
    if (status !== 200) throw new Error(`${path} answered ${status}: ${body.slice(0, 300)}`);
    return body;
  }
}
