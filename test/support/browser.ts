/**
 * A browser as far as the issuer's pages need one: cookies, redirects within one site, and forms filled in by name.
 *
 *     const browser = openBrowser(site.urls.issuer);
 *     await browser.open(authorizationUrl);
 *     const left = await browser.submit("sign-in", { email_address, user_password });
 *     left.location   // where the client would be called
 */

export interface Visit {
  readonly status: number;
  /** The address it stands at. */
  readonly url: string;
  readonly headers: Headers;
  readonly text: string;
  /** Where the site sends the browser away to; undefined while it stays. */
  readonly location: URL | undefined;
}

export interface BrowserForm {
  readonly id: string;
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

export interface TestBrowser {
  readonly cookies: Map<string, string>;
  open(url: string, options?: { readonly form?: Readonly<Record<string, string>>; readonly headers?: Readonly<Record<string, string>> }): Promise<Visit>;
  /** Sends the form of that id on the page that is shown, with the fields given beside the hidden ones. */
  submit(id: string, fields?: Readonly<Record<string, string>>, headers?: Readonly<Record<string, string>>): Promise<Visit>;
  readonly page: Visit;
}

const REDIRECTS_MAX = 5;

function unescaped(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}

function attributesOf(tag: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...tag.matchAll(/([a-z-]+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, unescaped(value)]));
}

/** The forms of a page, with their hidden fields. */
export function formsOf(text: string): readonly BrowserForm[] {
  return [...text.matchAll(/<form ([^>]*)>(.*?)<\/form>/gs)].map(([, head = "", body = ""]) => {
    const hidden = [...body.matchAll(/<input ([^>]*)>/g)].map(([, tag = ""]) => attributesOf(tag)).filter(({ type }) => type === "hidden");
    const { id = "", action = "" } = attributesOf(head);
    return { id, action, fields: Object.fromEntries(hidden.map(({ name = "", value = "" }) => [name, value])) };
  });
}

/** A browser with no cookies yet that stays at `origin`. */
export function openBrowser(origin: string): TestBrowser {
  const cookies = new Map<string, string>();
  let page: Visit = { status: 0, url: origin, headers: new Headers(), text: "", location: undefined };
  const keep = (headers: Headers) => {
    for (const line of headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      const at = pair.indexOf("=");
      if (/Max-Age=0(;|$)/.test(line)) cookies.delete(pair.slice(0, at));
      else cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
  };
  const once = async (url: string, init: RequestInit): Promise<Visit> => {
    const headers = new Headers(init.headers);
    if (cookies.size > 0) headers.set("cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    keep(response.headers);
    const location = response.headers.get("location");
    return { status: response.status, url, headers: response.headers, text: await response.text(), location: location === null ? undefined : new URL(location, url) };
  };
  const visit = async (url: string, init: RequestInit): Promise<Visit> => {
    page = await once(url, init);
    for (let hop = 0; hop < REDIRECTS_MAX && page.location?.origin === origin; hop += 1) page = await once(page.location.href, init.headers === undefined ? {} : { headers: init.headers });
    return page;
  };
  return {
    cookies,
    get page() {
      return page;
    },
    open: (url, { form, headers = {} } = {}) =>
      visit(url, form === undefined ? { headers } : { method: "POST", headers: { "sec-fetch-site": "cross-site", ...headers }, body: new URLSearchParams(form) }),
    submit(id, fields = {}, headers = {}) {
      const form = formsOf(page.text).find((each) => each.id === id);
      if (form === undefined) throw new Error(`the page ${page.url} has no form ${id}: ${page.text}`);
      const body = new URLSearchParams({ ...form.fields, ...fields });
      return visit(new URL(form.action, page.url).href, { method: "POST", headers: { "sec-fetch-site": "same-origin", ...headers }, body });
    },
  };
}
