/**
 * The pages on which a person pairs a device: type its code, see what asks and choose the team, and what came of it.
 *
 * Rule: pure. Values in, HTML out; no store, no request. Works with scripts off, at phone width and by keyboard.
 */
import type { Fault } from "../fault.ts";
import { html, type Html } from "./html.ts";
import { alert, layout, problemsOf } from "./pages.ts";

export interface PairingCode {
  /** From the link, or as it was typed: still to be confirmed by whoever sees it. */
  readonly userCode: string | undefined;
  readonly fault?: Fault | undefined;
}

export function pairingCodePage({ userCode, fault }: PairingCode): Html {
  return layout(
    "Pair a device",
    html`<h1>Pair a device</h1>
<p>Type the code that the device shows.</p>
${alert(fault)}
<form method="post" action="/desktop/pair" id="pair">
<label for="user_code">Code</label>
<input id="user_code" name="user_code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" required maxlength="32" value="${userCode ?? ""}">
<button type="submit" id="submit">Go on</button>
</form>
<p><a href="/">Back to the start</a></p>`,
  );
}

export interface PairingChoice {
  readonly userCode: string;
  readonly personName: string;
  /** Where the device asked from. */
  readonly address: string | null;
  /** ISO 8601. */
  readonly askedAt: string;
  readonly teams: readonly { readonly id: string; readonly display_name: string }[];
  /** What was chosen and typed before something was refused. */
  readonly teamId?: string | undefined;
  readonly deviceName?: string | undefined;
  readonly fault?: Fault | undefined;
}

function teamChoice({ teams, teamId }: PairingChoice): Html {
  const chosen = teamId ?? teams[0]?.id;
  return html`<fieldset id="teams">
<legend>Team</legend>
${teams.map(({ id, display_name }) => html`<label><input type="radio" name="team_id" value="${id}" required${id === chosen ? html` checked` : undefined}> ${display_name}</label>
`)}</fieldset>`;
}

export function pairingChoicePage(choice: PairingChoice): Html {
  const { userCode, personName, address, askedAt, teams, deviceName, fault } = choice;
  const problem = problemsOf(fault).get("device_name");
  return layout(
    "Pair a device",
    html`<h1>Pair this device?</h1>
${alert(fault)}
<p>You are signed in as <strong id="who">${personName}</strong>. The device will act for you in the team that you choose, and may run tasks for it.</p>
<p>The device has to show this code: <strong id="user-code">${userCode}</strong></p>
<p class="note" id="asked">Asked for at ${askedAt.slice(0, 16).replace("T", " ")} UTC${address === null ? "" : ` from ${address}`}.</p>
<p class="alert">Go on only if you have just begun this yourself on a device that is yours. If somebody sent you the code or the link, refuse.</p>
${teams.length === 0 ? html`<p id="no-team">You are in no team yet in which you may do this; it needs the role member.</p>` : undefined}
<form method="post" action="/desktop/pair/decision" id="decision">
<input type="hidden" name="user_code" value="${userCode}">
${teams.length === 0 ? undefined : html`${teamChoice(choice)}
<label for="device_name">Name of the device</label>
<input id="device_name" name="device_name" type="text" autocomplete="off" maxlength="100" value="${deviceName ?? ""}" aria-describedby="device_name-note">
<p class="note" id="device_name-note">${problem === undefined ? "Without one it is named after the day." : html`<strong>The name ${problem}.</strong>`}</p>
<button type="submit" id="approve" name="decision" value="approve">Pair</button>`}
<button type="submit" class="quiet" id="refuse" name="decision" value="refuse" formnovalidate>Refuse</button>
</form>`,
  );
}

/** The end: what came of it. */
export function pairingDonePage(isPaired: boolean): Html {
  return layout(
    "Pair a device",
    html`<h1>${isPaired ? "Paired" : "Refused"}</h1>
<p id="${isPaired ? "paired" : "refused"}">${isPaired ? "The device gets its keys now. You can close this page." : "The device gets nothing. You can close this page."}</p>
<p><a href="/">Back to the start</a></p>`,
  );
}
