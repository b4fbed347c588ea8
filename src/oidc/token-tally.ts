/** How often the token endpoint gave tokens and refused, since this process began. Rule: counts by grants and codes of our own tables only. */
import type { OAuthErrorCode } from "./oauth-error.ts";

export class TokenTally {
  readonly issued = new Map<string, number>();
  readonly refused = new Map<OAuthErrorCode, number>();

  noteIssued(grantType: string): void {
    this.issued.set(grantType, (this.issued.get(grantType) ?? 0) + 1);
  }

  noteRefused(code: OAuthErrorCode): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
  }
}
