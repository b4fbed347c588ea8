/**
 * What people are notified of, and in which words.
 *
 * Rule: pure. A notification is kept as its kind and facts; the words are made when it is shown, so that they can change and
 * be translated. Names that people chose are facts, and are shown as such; letters do not repeat them.
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { assert } from "../fault.ts";

const closed = { additionalProperties: false };
const Invitation = Type.Object(
  { kind: Type.Literal("invitation"), invitation_id: Type.String(), team_name: Type.String(), invitation_role: Type.String(), expires_at: Type.Integer() },
  closed,
);
const KeyExpiring = Type.Object(
  {
    kind: Type.Literal("key_expiring"),
    credential_id: Type.String(),
    credential_kind: Type.String(),
    key_prefix: Type.String(),
    display_name: Type.String(),
    team_id: Type.String(),
    expires_at: Type.Integer(),
    days: Type.Integer(),
  },
  closed,
);
const License = Type.Object({ kind: Type.Literal("license"), state: Type.String(), sequence: Type.Integer(), ends_at: Type.Union([Type.Null(), Type.Integer()]), days: Type.Union([Type.Null(), Type.Integer()]) }, closed);
const WebhookDisabled = Type.Object(
  { kind: Type.Literal("webhook_disabled"), webhook_id: Type.String(), display_name: Type.String(), team_id: Type.String(), reason: Type.Union([Type.Literal("gone"), Type.Literal("failing")]), disabled_at: Type.Integer() },
  closed,
);
const NoticeSchema = Type.Union([Invitation, KeyExpiring, License, WebhookDisabled]);
/** The facts of a notification; instants are epoch milliseconds. */
export type Notice = Static<typeof NoticeSchema>;
export type NoticeKind = Notice["kind"];

const noticeShape = shapeOf(NoticeSchema);

/** As it was stored. */
export function readNotice(json: string): Notice {
  const notice: unknown = JSON.parse(json);
  assert(noticeShape.Check(notice), "a stored notification is one of ours");
  return notice;
}

export interface NoticeWords {
  readonly title: string;
  readonly message: string;
}

const inDays = (days: number) => (days <= 1 ? "within a day" : `in ${days} days`);

export function wordsOf(notice: Notice): NoticeWords {
  switch (notice.kind) {
    case "invitation":
      return { title: `You are invited into the team ${notice.team_name}`, message: `The role is ${notice.invitation_role}. Accept or decline the invitation.` };
    case "key_expiring":
      return { title: `The key ${notice.key_prefix}… ends ${inDays(notice.days)}`, message: `It is the ${notice.credential_kind} key ${notice.display_name}. Rotate it, and give its holders the new one before.` };
    case "webhook_disabled":
      return {
        title: `The webhook ${notice.display_name} was disabled`,
        message: `${notice.reason === "gone" ? "Its receiver answered that it is gone (410)." : "Nothing has arrived at it for days."} Mend the receiver, set the webhook active again, and replay what failed.`,
      };
    case "license":
      if (notice.days === null) return { title: `The license is ${notice.state}`, message: "What needs a good license is refused until it is. cyberun license status says why and what helps." };
      return { title: `The license ends ${inDays(notice.days)}`, message: "Ask the vendor for a renewed license file and install it; no restart is needed." };
  }
}
