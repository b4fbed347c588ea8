/** The account at a glance: password, second factor, passkeys, and where somebody is signed in. */
import { html, type Html } from "../../../dashboard/html.ts";
import type { OwnSession } from "../../../identity/own-sessions.ts";
import type { Passkey } from "../../../identity/passkeys/passkeys.ts";
import type { SecondFactor } from "../../../identity/second-factors.ts";
import { type AccountWords, accountWordsIn } from "../../../dashboard/account-words.ts";
import { type Frame, layout } from "../../../dashboard/frame.ts";
import { quietForm } from "../../../dashboard/form.ts";

export interface Account {
  readonly displayName: string;
  readonly emailAddress: string;
  readonly factor: SecondFactor;
  readonly passkeys: readonly Passkey[];
  /** Where browsers would refuse them, none is offered. */
  readonly canHavePasskeys: boolean;
  readonly sessions: readonly OwnSession[];
}

function minute(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}

function factorSection(words: AccountWords, { factor }: Account): Html {
  const state = factor.is_locked ? words.authenticatorLocked : factor.is_enrolled ? words.authenticatorOn : words.authenticatorOff;
  return html`<section aria-labelledby="second-factor">
<h2 id="second-factor">${words.secondFactor}</h2>
<p>${words.authenticator}: <span id="authenticator-state">${state}</span> <a id="authenticator" href="/account/second-factor">${factor.is_enrolled ? words.manage : words.setUp}</a></p>
${factor.recovery_codes_left === 0 ? undefined : html`<p id="codes-left">${words.codesLeft(factor.recovery_codes_left)} <a id="recovery-codes" href="/account/recovery-codes">${words.newCodes}</a></p>`}
</section>`;
}

function passkeyRow(words: AccountWords, { id, display_name, last_used_at, is_synced, status }: Passkey): Html {
  const states = { active: undefined, locked: words.locked, copied: words.copied } as const;
  const about = [last_used_at === null ? words.unused : words.used(minute(last_used_at)), ...(is_synced ? [words.synced] : []), states[status] ?? []].flat();
  return html`<li><strong>${display_name}</strong>, ${about.join(", ")} <a href="/account/passkeys/${id}" aria-label="${words.removePasskey(display_name)}">${words.remove}</a></li>
`;
}

function passkeySection(words: AccountWords, { passkeys, canHavePasskeys }: Account): Html {
  return html`<section aria-labelledby="passkeys">
<h2 id="passkeys">${words.passkeys}</h2>
${passkeys.length === 0 ? html`<p>${canHavePasskeys ? words.noPasskeys : words.passkeysImpossible}</p>` : html`<ul id="passkey-list">${passkeys.map((passkey) => passkeyRow(words, passkey))}</ul>`}
${canHavePasskeys ? html`<p><a id="add-passkey" href="/account/passkeys/new">${words.addPasskey}</a></p>` : undefined}
</section>`;
}

function sessionRow(words: AccountWords, { id, kind, created_at, address, is_current }: OwnSession): Html {
  const what = is_current ? words.thisSession : kind === "token" ? words.program : words.browser;
  const about = [what, words.since(minute(created_at)), ...(address === null ? [] : [words.from(address)])].join(" ");
  const end = quietForm({ action: `/account/sessions/${id}/end`, id: `end-${id}`, label: words.end, ariaLabel: words.endLabel(minute(created_at)) });
  return html`<li class="row"><span>${about}</span> ${is_current ? undefined : end}</li>
`;
}

function sessionSection(words: AccountWords, { sessions }: Account): Html {
  return html`<section aria-labelledby="sessions">
<h2 id="sessions">${words.sessions}</h2>
<ul id="session-list">${sessions.map((session) => sessionRow(words, session))}</ul>
${sessions.length > 1 ? quietForm({ action: "/account/sessions/end-others", id: "end-others", label: words.endOthers }) : undefined}
</section>`;
}

export function accountPage(frame: Frame, account: Account): Html {
  const words = accountWordsIn(frame.language);
  const content = html`<header>
<h1>${words.account}</h1>
${quietForm({ action: "/account/sign-out", id: "sign-out", label: words.signOut })}
</header>
<p>${words.signedInAs} <strong id="who">${account.displayName}</strong> (${account.emailAddress}).</p>
<section aria-labelledby="password">
<h2 id="password">${words.password}</h2>
<p><a id="change-password" href="/account/password">${words.changePassword}</a></p>
</section>
${factorSection(words, account)}
${passkeySection(words, account)}
${sessionSection(words, account)}`;
  return layout(frame, { title: words.account, content });
}
