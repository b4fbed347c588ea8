/** What a sign-in form with a passkey's answer sends. */
import { t } from "elysia";

export const PasskeyForm = t.Object({ step_token: t.Optional(t.String({ maxLength: 256 })), passkey: t.String({ maxLength: 65_536 }) });
