// For forms that carry a passkey's answer: asks the authenticator and sends what it says. Where it cannot run, such forms
// stay hidden, and the page has another way. Served as it is, from the site's own origin; nothing else runs on pages.
(() => {
  const api = window.PublicKeyCredential;
  if (api?.parseRequestOptionsFromJSON === undefined || api.parseCreationOptionsFromJSON === undefined) return;

  const ask = (kind, options) =>
    kind === "create"
      ? navigator.credentials.create({ publicKey: api.parseCreationOptionsFromJSON(options) })
      : navigator.credentials.get({ publicKey: api.parseRequestOptionsFromJSON(options) });

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const answer = form.querySelector("[data-answer]");
    const problem = form.querySelector("[data-problem]");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.hidden = true;
      try {
        answer.value = JSON.stringify(await ask(form.dataset.passkey, JSON.parse(form.dataset.options)));
        form.submit();
      } catch {
        problem.hidden = false;
      }
    });
  }
})();
