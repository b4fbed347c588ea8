"""A client of the issuer in another language, with libraries of other people: Authlib, PyJWT and jwcrypto.

It tells its steps as JSON lines. Where a browser has to go somewhere it says {"open": address} and reads the address
that the browser is sent to as one line. Anything that it finds wrong ends it with a traceback.

    python3 relying-party.py ISSUER CLIENT_ID CLIENT_SECRET REDIRECT AFTER ID_TOKEN_ALG

With the word "device" in place of REDIRECT it is a device (RFC 8628): what it opens is the code that a person types elsewhere.
"""
import base64
import hashlib
import json
import os
import sys

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # loopback has no certificate here

import jwt
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.oidc.core import CodeIDToken
from jwcrypto import jwk as jwcrypto_jwk, jws as jwcrypto_jws

issuer, client_id, client_secret, redirect, after, id_token_alg = sys.argv[1:7]


def tell(**step):
    print(json.dumps(step), flush=True)


def visit(address):
    tell(open=address)
    return sys.stdin.readline().strip()


def verify_three_times(token, keys, audience, alg):
    """The claims, the same from three libraries that share no code."""
    header = jwt.get_unverified_header(token)
    assert header["alg"] == alg, header
    own = next(key for key in keys["keys"] if key["kid"] == header["kid"])
    by_pyjwt = jwt.decode(token, jwt.PyJWK(own, algorithm=alg).key, algorithms=[alg], audience=audience, issuer=issuer)
    by_authlib = JsonWebToken([alg]).decode(token, JsonWebKey.import_key_set(keys))
    by_jwcrypto = jwcrypto_jws.JWS()
    by_jwcrypto.allowed_algs = [alg]
    by_jwcrypto.deserialize(token)
    by_jwcrypto.verify(jwcrypto_jwk.JWK.from_json(json.dumps(own)))
    assert by_pyjwt == dict(by_authlib) == json.loads(by_jwcrypto.payload), "three readings of one token"
    return by_pyjwt


discovery = requests.get(issuer + "/.well-known/openid-configuration", timeout=30).json()
assert discovery["issuer"] == issuer, discovery
keys = requests.get(discovery["jwks_uri"], timeout=30).json()

method = "client_secret_basic" if client_secret else "none"


def be_a_device():
    device = OAuth2Session(client_id, None, token_endpoint_auth_method="none", scope="openid profile email offline_access")
    begun = requests.post(discovery["device_authorization_endpoint"], {"client_id": client_id, "scope": device.scope}, timeout=30).json()
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    visit(begun["user_code"])
    token = device.fetch_token(discovery["token_endpoint"], grant_type=grant, device_code=begun["device_code"])
    verify_three_times(token["id_token"], keys, client_id, id_token_alg)
    verify_three_times(token["access_token"], keys, issuer, "ES256")
    tell(userinfo=device.get(discovery["userinfo_endpoint"], timeout=30).json())
    refreshed = device.refresh_token(discovery["token_endpoint"], refresh_token=token["refresh_token"])
    assert refreshed["access_token"] != token["access_token"]
    tell(done=True)


if redirect == "device":
    be_a_device()
    sys.exit(0)

session = OAuth2Session(
    client_id,
    client_secret or None,
    token_endpoint_auth_method=method,
    redirect_uri=redirect,
    scope="openid profile email offline_access",
    code_challenge_method="S256",
)
verifier, nonce = generate_token(48), generate_token(20)
address, state = session.create_authorization_url(discovery["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
callback = visit(address)
token = session.fetch_token(discovery["token_endpoint"], authorization_response=callback, code_verifier=verifier, state=state)

expected = {"nonce": nonce, "client_id": client_id}
if id_token_alg != "EdDSA":  # Authlib knows no at_hash for EdDSA; its hash is SHA-512, as Ed25519 has it inside
    expected["access_token"] = token["access_token"]
claims = JsonWebToken([id_token_alg]).decode(token["id_token"], JsonWebKey.import_key_set(keys), claims_cls=CodeIDToken, claims_params=expected)
claims.validate()
digest = hashlib.sha512 if id_token_alg == "EdDSA" else hashlib.sha256
half = digest(token["access_token"].encode()).digest()[: digest().digest_size // 2]
assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode(), claims
verify_three_times(token["id_token"], keys, client_id, id_token_alg)
access = verify_three_times(token["access_token"], keys, issuer, "ES256")
assert access["client_id"] == client_id and access["sub"] == claims["sub"], access

userinfo = session.get(discovery["userinfo_endpoint"], timeout=30).json()
assert userinfo["sub"] == claims["sub"], userinfo
tell(signed_in=dict(claims), userinfo=userinfo)

first = token["refresh_token"]
refreshed = session.refresh_token(discovery["token_endpoint"], refresh_token=first)
assert refreshed["refresh_token"] != first and refreshed["access_token"] != token["access_token"]
again = session.get(discovery["userinfo_endpoint"], timeout=30)
assert again.status_code == 200, again.text
tell(refreshed=True)

query = requests.models.PreparedRequest()
query.prepare_url(discovery["end_session_endpoint"], {"id_token_hint": refreshed.get("id_token", token["id_token"]), "post_logout_redirect_uri": after, "state": "bye"})
assert visit(query.url) == after + "?state=bye"

revoked = session.revoke_token(discovery["revocation_endpoint"], token=refreshed["refresh_token"], token_type_hint="refresh_token")
assert revoked.status_code == 200, revoked.text
late = requests.get(discovery["userinfo_endpoint"], headers={"authorization": "Bearer " + refreshed["access_token"]}, timeout=30)
assert late.status_code == 401, late.text
tell(done=True)
