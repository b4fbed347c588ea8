/**
 * The pages on which people prove who they are, beside the password.
 *
 * Rule: pure. Values in, HTML out; no store, no request. Works with scripts off, at phone width and by keyboard.
 */
import type { Fault } from "../fault.ts";
import { html, type Html } from "./html.ts";
import { alert, field, layout, problemsOf } from "./pages.ts";

/** Asks for the code of the second factor; nobody is signed in yet. */
export function secondStepPage(deploymentName: string, stepToken: string, fault?: Fault): Html {
  return layout(
    "Second step",
    html`<h1>${deploymentName}</h1>
<p>Type the code that your authenticator shows, or one of your recovery codes.</p>
${alert(fault)}
<form method="post" action="/sign-in/code" id="second-step">
<input type="hidden" name="step_token" value="${stepToken}">
<label for="code">Code</label>
<input id="code" name="code" type="text" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" required maxlength="64" autofocus>
<button type="submit" id="submit">Go on</button>
</form>
<p><a href="/sign-in">Sign in as somebody else</a></p>`,
  );
}

/** Where a mailed or handed link leads: choose a new password. */
export function resetPage(fault?: Fault): Html {
  return layout(
    "New password",
    html`<h1>Choose a new password</h1>
<p>You will be signed out everywhere. This link works once.</p>
${alert(fault)}
<form method="post" id="reset">
${field({ name: "new_password", label: "New password", type: "password", autocomplete: "new-password", minLength: 8, note: "8 to 128 characters. Nobody can read it back." }, problemsOf(fault))}
<button type="submit" id="submit">Set the password</button>
</form>`,
  );
}

/** Where a mailed link leads: prove the address with the password that was chosen. */
export function verificationPage(fault?: Fault): Html {
  return layout(
    "Confirm your address",
    html`<h1>Confirm your address</h1>
<p>Type the password that you chose. If you did not ask for an account here, close this page.</p>
${alert(fault)}
<form method="post" id="verify">
${field({ name: "user_password", label: "Password", type: "password", autocomplete: "current-password" }, problemsOf(fault))}
<button type="submit" id="submit">Confirm</button>
</form>`,
  );
}

/** Leads on by itself, and by a link where it does not. */
export function goOnPage(path: string): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url=${path}">
<title>Signed in · Cyberun</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>You are signed in</h1>
<p><a id="go-on" href="${path}">Go on</a></p>
</main>
</body>
</html>
`;
}
