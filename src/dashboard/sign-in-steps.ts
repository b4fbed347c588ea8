/**
 * The dashboard's steps after a first proof. All other pages on which people look after their ways in are the issuer's.
 *
 * Rule: pure. Values in, HTML out; no store, no request. Works with scripts off, at phone width and by keyboard.
 */
import type { Fault } from "../fault.ts";
import type { RequestOptions } from "../identity/passkeys/options.ts";
import { html, type Html } from "./html.ts";
import { alert, layout } from "./pages.ts";
import { passkeyForm, passkeyTail } from "./passkey-question.ts";

export interface SecondStep {
  readonly stepToken: string;
  /** What the person's passkeys are asked; undefined where they cannot be asked here. */
  readonly passkey?: RequestOptions | undefined;
}

/** Asks for the code of the second factor, or a passkey; nobody is signed in yet. */
export function secondStepPage(deploymentName: string, { stepToken, passkey }: SecondStep, fault?: Fault): Html {
  const token = html`<input type="hidden" name="step_token" value="${stepToken}">
`;
  const problem = "The passkey was not used. Try again, or type a code.";
  return layout(
    "Second step",
    html`<h1>${deploymentName}</h1>
<p>Type the code that your authenticator shows, or one of your recovery codes.</p>
${alert(fault)}
${passkey === undefined ? undefined : passkeyForm({ action: "/sign-in/passkey", label: "Use a passkey", problem, options: passkey, answer: "passkey", fields: token })}
<form method="post" action="/sign-in/code" id="second-step">
${token}<label for="code">Code</label>
<input id="code" name="code" type="text" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" required maxlength="64" autofocus>
<button type="submit" id="submit">Go on</button>
</form>
<p><a href="/sign-in">Sign in as somebody else</a></p>
${passkey === undefined ? undefined : passkeyTail}`,
  );
}

/** Leads on by itself, and by a link where it does not: from here on the browser sends the cookies that it keeps from other sites' links. */
export function goOnPage(path: string, heading = "You are signed in"): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url=${path}">
<title>${heading} · Cyberun</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>${heading}</h1>
<p><a id="go-on" href="${path}">Go on</a></p>
</main>
</body>
</html>
`;
}
