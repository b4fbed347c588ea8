/**
 * A grant is a filled-in form: its name, the parameters it defines, and what it gives. Everything that holds for all grants
 * is done once, in `token-endpoint.ts`, before a grant sees the request; so no grant can leave it out.
 */
import type { ProcedureAct } from "../../gate/operation.ts";
import type { Client, GrantType } from "../clients/client.ts";
import type { AccessTokenAnswer } from "../grant-tokens.ts";
import type { Keyring } from "../keyring.ts";

/** What a grant gets to see. */
export interface GrantRequest {
  /** Authenticated, licensed, and registered for this grant. */
  readonly client: Client;
  /** Only those that the grant defines. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Resource indicators as asked for, not yet checked against anything. */
  readonly resources: readonly string[];
  /** Thumbprint of the key that the client proved to hold with this request; there is one when the client's tokens have to be bound. */
  readonly jkt: string | undefined;
  readonly keyring: Keyring;
}

/** The answer of the token endpoint (RFC 6749 section 5.1, OpenID Connect Core 1.0 section 3.1.3.3). */
export interface TokenAnswer extends AccessTokenAnswer {
  readonly refresh_token?: string;
  readonly id_token?: string;
}

export interface Grant {
  readonly type: GrantType;
  /** Parameters beyond `grant_type`, `resource` and those of client authentication. Others are dropped unread. */
  readonly parameters: readonly string[];
  /** Throws OAuthError. */
  issue(act: ProcedureAct, request: GrantRequest): Promise<TokenAnswer>;
}
