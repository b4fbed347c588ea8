/**
 * The marks a client keeps of everything it ever accepted, so that nothing older can be passed to it again: the
 * highest epoch and counter of each License Server, the highest sequence of each deployment, the first use of each trial.
 *
 * Rule: pure. A mark only ever moves towards the stricter side. Each list is bounded; the mark that was raised longest
 * ago goes first, which is the one of a server or license that is no longer met.
 */
import { type Static, Type } from "typebox";
import type { License } from "../document.ts";
import type { Lease } from "../lease.ts";
import type { Revocation } from "../revocation.ts";

/** A site has a handful of License Servers; each time one is made anew, another mark is added. */
const MARKS_MAX = 64;

const closed = { additionalProperties: false };
const Count = Type.Integer({ minimum: 0 });
const Thumbprint = Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" });
const Id = Type.String({ minLength: 1, maxLength: 128 });
const listOf = <T extends Type.TSchema>(item: T) => Type.Array(item, { maxItems: MARKS_MAX });

export const LeaseMarksSchema = Type.Object(
  {
    instances: listOf(Type.Object({ instance: Thumbprint, epoch: Count, counter: Count }, closed)),
    /** `revoked_at`: epoch seconds of the revocation that has this sequence; a license of it has to be issued later. */
    deployments: listOf(Type.Object({ deployment_id: Id, sequence: Count, revoked_at: Type.Optional(Count) }, closed)),
    activations: listOf(Type.Object({ license_id: Id, activated_at: Count }, closed)),
  },
  closed,
);
export type LeaseMarks = Static<typeof LeaseMarksSchema>;

export const noMarks: LeaseMarks = { instances: [], deployments: [], activations: [] };

/** Highest epoch and counter accepted from the License Server with this thumbprint; zeros when it is new. */
export function seenFrom(marks: LeaseMarks, instance: string): { readonly epoch: number; readonly counter: number } {
  return marks.instances.find((mark) => mark.instance === instance) ?? { epoch: 0, counter: 0 };
}

/** Highest sequence of any license or revocation accepted for the deployment; 0 when it is new. */
export function highestSequence(marks: LeaseMarks, deploymentId: string): number {
  return marks.deployments.find((mark) => mark.deployment_id === deploymentId)?.sequence ?? 0;
}

/** The earliest first use that was ever told for the license: a server that forgot it cannot start the trial anew. */
export function earliestActivation(marks: LeaseMarks, licenseId: string, activatedAt: number): number {
  const known = marks.activations.find((mark) => mark.license_id === licenseId)?.activated_at;
  return known === undefined ? activatedAt : Math.min(known, activatedAt);
}

/** True when (epoch, counter) of `lease` stands after `mark`. */
export function isAfter(lease: Pick<Lease, "epoch" | "counter">, mark: { readonly epoch: number; readonly counter: number }): boolean {
  return lease.epoch === mark.epoch ? lease.counter > mark.counter : lease.epoch > mark.epoch;
}

function lastOf<T>(items: readonly T[]): T[] {
  return items.slice(-MARKS_MAX);
}

/** The marks after a signed refusal from `instance`: only its epoch and counter are raised. */
export function raisedByAnswer(marks: LeaseMarks, instance: string, { epoch, counter }: Lease): LeaseMarks {
  const others = marks.instances.filter((mark) => mark.instance !== instance);
  return { ...marks, instances: lastOf([...others, { instance, epoch, counter }]) };
}

type DeploymentMark = LeaseMarks["deployments"][number];

function deploymentMark({ deployments }: LeaseMarks, deploymentId: string): DeploymentMark | undefined {
  return deployments.find(({ deployment_id }) => deployment_id === deploymentId);
}

/** Whether `license` is older than one that was accepted, or was ended by a revocation that was. */
export function isOutdated(marks: LeaseMarks, { deployment_id, sequence, issued_at }: License): boolean {
  const mark = deploymentMark(marks, deployment_id);
  if (mark === undefined || sequence !== mark.sequence) return sequence < (mark?.sequence ?? 0);
  return mark.revoked_at !== undefined && issued_at <= mark.revoked_at;
}

/** The stricter one of two marks of a deployment. */
function stricter(known: DeploymentMark | undefined, next: DeploymentMark): DeploymentMark {
  if (known === undefined || next.sequence > known.sequence) return next;
  const isStricter = known.sequence === next.sequence && (next.revoked_at ?? -1) > (known.revoked_at ?? -1);
  return isStricter ? next : known;
}

function raisedTo(marks: LeaseMarks, next: DeploymentMark): LeaseMarks {
  const raised = stricter(deploymentMark(marks, next.deployment_id), next);
  const others = marks.deployments.filter(({ deployment_id }) => deployment_id !== next.deployment_id);
  return { ...marks, deployments: lastOf([...others, raised]) };
}

/**
 * The marks after a refusal that carried the vendor's revocation: no License Server, restored, wiped or false, can pass
 * the revoked license to this client again.
 */
export function raisedByRevocation(marks: LeaseMarks, { deployment_id, sequence, issued_at }: Revocation): LeaseMarks {
  return raisedTo(marks, { deployment_id, sequence, revoked_at: issued_at });
}

/** The marks after a lease that carried `license` was accepted. */
export function raisedByGrant(marks: LeaseMarks, license: License, activatedAt: number): LeaseMarks {
  const { deployment_id, sequence, license_id } = license;
  const raised = raisedTo(marks, { deployment_id, sequence });
  if (license.activation === undefined) return raised;
  const activated_at = earliestActivation(marks, license_id, activatedAt);
  const activations = marks.activations.filter((mark) => mark.license_id !== license_id);
  return { ...raised, activations: lastOf([...activations, { license_id, activated_at }]) };
}
