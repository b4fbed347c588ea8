/**
 * The entity configuration of this site (OpenID Federation 1.0 section 3 and 9): what its bundle says, in the form that other
 * products read. It names no superior: trust comes from the fingerprint that a person compared, and from nowhere else.
 */
import { signJws } from "../crypto/jws.ts";
import { procedure } from "../gate/operation.ts";
import { findDeployment } from "../identity/deployment.ts";
import { discoveryOf } from "../oidc/discovery.ts";
import { grants } from "../oidc/token-endpoint.ts";
import { findSelf, getSelf, openSelf } from "./site-key.ts";

export const ENTITY_PATH = "/.well-known/openid-federation";
const TYP = "entity-statement+jwt";
const LIFE_SECONDS = 86_400;

/** The signed statement, compact. */
export const entityStatement = procedure("federation_entity.read", async (act, _input: undefined): Promise<string> => {
  const { self, deployment } = await act.read(async (reader) => ({ self: await findSelf(reader), deployment: await findDeployment(reader) }));
  const { signing, signingX } = openSelf(act, self ?? (await act.write(getSelf)));
  const { issuerUrl } = act.settings;
  const iat = Math.floor(act.services.clock.now() / 1_000);
  const { display_name } = deployment ?? {};
  return signJws(TYP, signing, {
    iss: issuerUrl,
    sub: issuerUrl,
    iat,
    exp: iat + LIFE_SECONDS,
    jwks: { keys: [{ kty: "OKP", crv: "Ed25519", x: signingX, kid: signing.kid, alg: "EdDSA", use: "sig" }] },
    metadata: { federation_entity: display_name === undefined ? {} : { organization_name: display_name }, openid_provider: discoveryOf(issuerUrl, { grants }) },
  });
});
