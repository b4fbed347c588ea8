/**
 * Tells clients that a sign-in ended: notes whom, signs a logout token for each, and posts it.
 *
 * Rule: nothing is on the network inside of a transaction. A client is told at least once, and is asked again later when it does
 * not say yes. Each call asks a client that fails once, and tells several clients at a time, so that one which is slow or
 * away holds up nobody but itself.
 */
import { dial } from "../dialler.ts";
import { Fault } from "../fault.ts";
import { procedure, type ProcedureAct } from "../gate/operation.ts";
import { findActiveClient } from "./clients/client.ts";
import type { Keyring } from "./keyring.ts";
import { dropLateNotices, hasLogoutWork, type LogoutNotice, NOTICE_ATTEMPTS_MAX, noteLogouts, settleNotice, takeDueNotice } from "./logout-notices.ts";
import { signLogoutToken } from "./logout-token.ts";
import { sidFor, subjectFor } from "./subjects.ts";

/** Notices of one call; the next one has the rest. */
const BATCH_MAX = 200;
const LANES = 8;

export interface NoticeFailure {
  readonly client_id: string;
  readonly attempts: number;
  /** Not tried again. */
  readonly isDropped: boolean;
  readonly cause: unknown;
}

export interface NoticeReport {
  readonly told: number;
  readonly failures: readonly NoticeFailure[];
}

/** What one call works with. */
interface Round {
  readonly act: ProcedureAct;
  readonly keyring: Keyring;
  readonly signal: AbortSignal;
  /** Clients that are being told, or failed: no second notice for them in this round. */
  readonly resting: Set<string>;
  readonly failures: NoticeFailure[];
  told: number;
  taken: number;
}

/** Posts the logout token. Throws when the client does not say that it is done; nothing is to be done for one that is gone. */
async function tell({ act, keyring, signal }: Round, notice: LogoutNotice): Promise<void> {
  const client = await act.read((reader) => findActiveClient(reader, notice.client_id));
  if (client?.backchannel_logout_uri === undefined) return;
  const token = await signLogoutToken(await keyring.getSigningKey(client.id_token_signed_response_alg), {
    issuer: act.settings.issuerUrl,
    clientId: client.client_id,
    sub: subjectFor(act.sealer, client, notice.user_id),
    sid: sidFor(act.sealer, client, notice.session_id),
    issuedAt: Math.floor(act.services.clock.now() / 1_000),
    jti: act.services.random.uuid(),
  });
  const body = new URLSearchParams({ logout_token: token }).toString();
  const { status } = await dial(act, { url: client.backchannel_logout_uri, body, signal, headers: { "content-type": "application/x-www-form-urlencoded" } });
  if (status < 200 || status > 299) throw new Fault("unavailable", `The client answered with status ${status}.`);
}

async function deliver(round: Round, notice: LogoutNotice): Promise<void> {
  const { act, resting, failures } = round;
  try {
    await tell(round, notice);
    await act.write<undefined>(async (write) => void (await settleNotice(write, notice.id)));
    round.told += 1;
    resting.delete(notice.client_id);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const isDropped = notice.attempts >= NOTICE_ATTEMPTS_MAX;
    if (isDropped) await act.write<undefined>(async (write) => void (await settleNotice(write, notice.id)));
    failures.push({ client_id: notice.client_id, attempts: notice.attempts, isDropped, cause: error.cause ?? error });
  }
}

/** One after the other until nothing is due, of clients that are not resting. */
async function work(round: Round): Promise<void> {
  const { act, resting, signal } = round;
  while (round.taken < BATCH_MAX && !signal.aborted) {
    let reserved: string | undefined;
    const notice = await act.write<LogoutNotice | undefined>(async (write) => {
      // The store may run this again, and what it took the time before was not taken.
      if (reserved !== undefined) resting.delete(reserved);
      const taken = await takeDueNotice(write, [...resting]);
      // Before the next lane looks.
      reserved = taken?.client_id;
      if (reserved !== undefined) resting.add(reserved);
      return taken;
    });
    if (notice === undefined) return;
    round.taken += 1;
    await deliver(round, notice);
  }
}

export interface Delivery {
  readonly keyring: Keyring;
  /** No further notice is begun once it is given, and those on their way are given up: they are told again later. */
  readonly signal: AbortSignal;
}

/** Notes whom to tell, and tells those who are due. */
export const deliverLogoutNotices = procedure("logout_notice.deliver", async (act, { keyring, signal }: Delivery): Promise<NoticeReport> => {
  if (!(await act.read((reader) => hasLogoutWork(reader, act.services.clock.now())))) return { told: 0, failures: [] };
  const late = await act.write<readonly LogoutNotice[]>(async (write) => {
    await noteLogouts(write);
    return await dropLateNotices(write);
  });
  const dropped = late.map(({ client_id, attempts }) => ({ client_id, attempts, isDropped: true, cause: "too late" }));
  const round: Round = { act, keyring, signal, resting: new Set(), failures: [...dropped], told: 0, taken: 0 };
  await Promise.all(Array.from({ length: LANES }, () => work(round)));
  return { told: round.told, failures: round.failures };
});
