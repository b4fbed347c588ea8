/**
 * The dashboard's cookie: HttpOnly, same site only, and bound to https by its name wherever the site has https
 * (RFC 6265bis sections 4.1.3 and 5.6).
 */
const SECURE_NAME = "__Host-cyberun";
const PLAIN_NAME = "cyberun";
const VALUE = /^[A-Za-z0-9_-]{16,256}$/;

function nameOn(publicUrl: string): string {
  return publicUrl.startsWith("https://") ? SECURE_NAME : PLAIN_NAME;
}

/**
 * The cookie's value, or undefined. On an https site only the name counts that no sibling host and no plain http can
 * plant; the other would let them sign the browser in as somebody else.
 */
export function readCookie(request: Request, publicUrl: string): string | undefined {
  const pairs = new Map<string, string>();
  for (const part of (request.headers.get("cookie") ?? "").split(";")) {
    const [name, ...rest] = part.trim().split("=");
    const value = rest.join("=");
    // The first of two equal names is the more specific one; a later one may have been planted by a sibling host.
    if (name !== undefined && !pairs.has(name)) pairs.set(name, value);
  }
  const value = pairs.get(nameOn(publicUrl));
  return value !== undefined && VALUE.test(value) ? value : undefined;
}

function cookie(publicUrl: string, value: string, maxAgeSeconds: number): string {
  const name = nameOn(publicUrl);
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${name === SECURE_NAME ? "; Secure" : ""}`;
}

/** `Set-Cookie` that signs the browser in. */
export function signedIn(publicUrl: string, value: string, maxAgeSeconds: number): string {
  return cookie(publicUrl, value, maxAgeSeconds);
}

/** `Set-Cookie` that removes it. */
export function signedOut(publicUrl: string): string {
  return cookie(publicUrl, "", 0);
}
