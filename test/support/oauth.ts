/** Requests to the issuer's endpoints for programs, over real sockets. */
import { endpoints, type Endpoint } from "../../src/oidc/endpoints.ts";
import type { TestClient } from "./oidc-client.ts";
import { type Answer, callUrl, type TestRoles } from "./roles.ts";

export function basic({ id, secret }: TestClient): { readonly authorization: string } {
  const encoded = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
  return { authorization: `Basic ${Buffer.from(encoded).toString("base64")}` };
}

export interface FormCall {
  readonly form: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Posts a form to an endpoint. */
export async function post(site: TestRoles, endpoint: Endpoint, { form, headers = {} }: FormCall): Promise<Answer> {
  return await callUrl(`${site.urls.issuer}${endpoints[endpoint]}`, { form, headers });
}

/** Status and error code of an answer. */
export function outcome({ status, body }: Answer): readonly unknown[] {
  return [status, body["error"]];
}
