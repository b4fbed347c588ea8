/**
 * Cookies that hold a secret: HttpOnly, bound to https by their name wherever the site has https (RFC 6265bis sections
 * 4.1.3 and 5.6).
 *
 * Rule: knows how a cookie is written and read, not what it opens. Ports share cookies, so each use has its own name.
 */

export interface CookieKind {
  /** On an https site `__Host-` stands before it. */
  readonly name: string;
  /** `Strict`: never sent from another site's link. `Lax`: sent when another site's link leads here, which sign-in for a client does. */
  readonly sameSite: "Strict" | "Lax";
}

const VALUE = /^[A-Za-z0-9_-]{16,256}$/;

function isSecure(siteUrl: string): boolean {
  return siteUrl.startsWith("https://");
}

function nameOn(kind: CookieKind, siteUrl: string): string {
  return isSecure(siteUrl) ? `__Host-${kind.name}` : kind.name;
}

/**
 * The cookie's value, or undefined. On an https site only the name counts that no sibling host and no plain http can
 * plant; the other would let them sign the browser in as somebody else.
 */
export function readCookie(request: Request, kind: CookieKind, siteUrl: string): string | undefined {
  const pairs = new Map<string, string>();
  for (const part of (request.headers.get("cookie") ?? "").split(";")) {
    const [name, ...rest] = part.trim().split("=");
    const value = rest.join("=");
    // The first of two equal names is the more specific one; a later one may have been planted by a sibling host.
    if (name !== undefined && !pairs.has(name)) pairs.set(name, value);
  }
  const value = pairs.get(nameOn(kind, siteUrl));
  return value !== undefined && VALUE.test(value) ? value : undefined;
}

export interface CookieValue {
  readonly value: string;
  readonly maxAgeSeconds: number;
}

/** `Set-Cookie` that sets it. */
export function setCookie(kind: CookieKind, siteUrl: string, { value, maxAgeSeconds }: CookieValue): string {
  const secure = isSecure(siteUrl) ? "; Secure" : "";
  return `${nameOn(kind, siteUrl)}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=${kind.sameSite}${secure}`;
}

/** `Set-Cookie` that removes it. */
export function removeCookie(kind: CookieKind, siteUrl: string): string {
  return setCookie(kind, siteUrl, { value: "", maxAgeSeconds: 0 });
}
