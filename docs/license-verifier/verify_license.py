#!/usr/bin/env python3
"""Reads a Cyberun license file, independently of Cyberun: Python 3 and the `openssl` command (3.0 or newer).

    verify_license.py KEYS.json FILE.lic     verify one file with the vendor's public keys and show what it grants
    verify_license.py --vectors FILE...      run the published test vectors

Exit 0: the file is a good license. Exit 7: it is refused; the first word printed says why. Exit 2: wrong use.
The rules and their order are those of docs/license-format.md. Whether a good license is in force today, and whether
it belongs to this host, are questions for the License Server and not asked here.
"""
import base64, json, pathlib, re, subprocess, sys, tempfile

FILE_BYTES_MAX, HEADER_CHARACTERS_MAX, DEPTH_MAX = 24_576, 512, 8
SAFE = 2**53 - 1
NAMESPACES = ("global", "account", "team")
TRIAL_QUOTAS_MAX = {
    "global": {"max_users": 25, "max_teams": 5, "max_agents": 5, "max_concurrent_tasks": 10},
    "account": {"max_owned_teams": 5},
    "team": {"max_agents": 5, "max_members": 25, "max_integration_keys": 10,
             "max_concurrent_tasks": 10, "max_webhooks": 10},
}

class Refused(Exception):
    """Two arguments: a stable word, and a sentence for people."""

def is_set(values):
    return len(set(values)) == len(values)

def demand(condition, word, sentence):
    if not condition:
        raise Refused(word, sentence)

# --- bytes and JSON, strictly
def decode(text, what):
    """Base64url without padding, in its one canonical spelling."""
    characters = re.fullmatch(r"[A-Za-z0-9_-]*", text, re.ASCII)
    demand(characters and len(text) % 4 != 1, "malformed", f"the {what} is not base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    demand(base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text, "malformed", f"the {what} is not canonical")
    return data

def members(pairs):
    demand(is_set([name for name, _ in pairs]), "malformed", "a member name is repeated")
    demand("__proto__" not in dict(pairs), "malformed", "the member name __proto__ is not allowed")
    return dict(pairs)

def integer(literal):
    is_safe = literal != "-0" and len(literal) <= 17 and abs(int(literal)) <= SAFE
    return int(literal) if is_safe else refuse_number(literal)

def refuse_number(literal):
    raise Refused("malformed", f"{literal[:20]} is not a whole number within 53 bits")

def check_depth(value, depth=0):
    demand(depth <= DEPTH_MAX, "malformed", "it is nested too deeply")
    for inner in value.values() if type(value) is dict else value if type(value) is list else ():
        check_depth(inner, depth + 1)

def strict_json(data):
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=members, parse_int=integer,
                           parse_float=refuse_number, parse_constant=refuse_number)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate cannot be encoded
    except (ValueError, RecursionError) as error:
        raise Refused("malformed", f"it is not strict JSON: {error}") from error
    check_depth(value)
    return value

# --- the signature
def signature_fits(x, message, signature):
    """Asks openssl whether `signature` over `message` was made with the Ed25519 key whose 32 public bytes are `x`."""
    with tempfile.TemporaryDirectory() as folder:
        # SubjectPublicKeyInfo of an Ed25519 key (RFC 8410): a fixed start and the 32 bytes.
        files = {"key": bytes.fromhex("302a300506032b6570032100") + x, "message": message, "signature": signature}
        for name, data in files.items():
            pathlib.Path(folder, name).write_bytes(data)
        command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in message -sigfile signature"
        return subprocess.run(command.split(), cwd=folder, capture_output=True).returncode == 0

def verified_payload(data, keys, typ="cyberun-license+jws", bytes_max=FILE_BYTES_MAX):
    demand(len(data) <= bytes_max, "too_large", f"it is larger than {bytes_max} bytes")
    text = data.decode("latin-1")  # one byte, one character; what is not ASCII is refused by decode()
    parts = re.sub(r"\r?\n\Z", "", text, count=1).split(".")
    demand(len(parts) == 3, "malformed", "it is not three parts joined by dots")
    demand(len(parts[0]) <= HEADER_CHARACTERS_MAX, "malformed", "the header is too long")
    header = strict_json(decode(parts[0], "header"))
    demand(type(header) is dict, "malformed", "the header is not an object")
    demand(header.get("typ") == typ, "wrong_type", f"typ is not {typ}")
    demand(header.get("alg") == "EdDSA", "wrong_algorithm", "alg is not EdDSA")
    demand(type(header.get("kid")) is str and len(header) == 3, "malformed", "the header is not exactly alg, kid, typ")
    key = next((key for key in keys if key["kid"] == header["kid"]), None)
    demand(key, "unknown_key", "it is signed by a key that is not trusted here")
    signature, payload = decode(parts[2], "signature"), decode(parts[1], "payload")
    demand(len(signature) == 64, "malformed", "the signature is not 64 bytes")
    signed, x = f"{parts[0]}.{parts[1]}".encode(), decode(key["x"], "key")
    demand(signature_fits(x, signed, signature), "bad_signature", "the signature does not fit")
    return strict_json(payload), key

# --- the content: each check is a function that says whether a value is right
def whole(low, high=SAFE):
    return lambda value: type(value) is int and low <= value <= high

def text(pattern):
    return lambda value: type(value) is str and re.fullmatch(pattern, value, re.ASCII) is not None

def listing(item, low, high):
    return lambda value: type(value) is list and low <= len(value) <= high and all(map(item, value)) and is_set(value)

def mapping(item):
    right = lambda pair: KEY(pair[0]) and item(pair[1])
    return lambda value: type(value) is dict and len(value) <= 256 and all(map(right, value.items()))

def record(optional=(), **checks):
    """Exactly these members, of which the optional ones may be missing."""
    def check(value):
        return type(value) is dict and set(value) <= set(checks) and all(
            checks[name](value[name]) if name in value else name in optional for name in checks)
    return check

def either(*checks):
    return lambda value: any(check(value) for check in checks)

KEY = text(r"[a-z][a-z0-9_]{0,63}")
TOKEN = text(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
HOST_PART = text(r"[a-z][a-z0-9_-]{0,31}:[A-Za-z0-9_-]{43}")
BINDING = either(
    record(kind=text("any|first_use")),
    record(kind=text("host"), required=whole(1, 64), fingerprints=listing(HOST_PART, 1, 64)),
    record(kind=text("cluster"), ids=listing(TOKEN, 1, 64)),
)
INSTANT = whole(0, 253_402_300_799)  # until the end of the year 9999
LICENSE = record(
    optional=("activation",),
    format=whole(1), license_id=TOKEN, deployment_id=TOKEN, sequence=whole(1), template=KEY,
    customer=record(id=TOKEN, name=text("[^\x00-\x1f\x7f-\x9f]{1,200}")),
    issued_at=INSTANT, not_before=INSTANT, expires_at=INSTANT,
    binding=BINDING, activation=record(days=whole(1, 30)),
    features=record(**{name: mapping(lambda value: type(value) is bool) for name in NAMESPACES}),
    quotas=record(**{name: mapping(whole(-1)) for name in NAMESPACES}),
    lease_seconds=whole(5, 86_400), grace_seconds=whole(0, 86_400), clock_tolerance_seconds=whole(1, 3_600),
    critical=listing(KEY, 0, 64),
)

def check_trial(it):
    demand("activation" in it, "trial_too_large", "a trial is counted from its activation")
    demand(it["binding"]["kind"] in ("any", "first_use"), "trial_too_large", "a trial is not bound to a named host")
    for name in NAMESPACES:
        for key, value in it["quotas"][name].items():
            demand(0 <= value <= TRIAL_QUOTAS_MAX[name].get(key, 0), "trial_too_large", f"{name}.{key} is too large")

def read_license(data, keys, highest_sequence):
    """The license in the file's bytes; raises Refused. `highest_sequence`: what was seen so far, by deployment."""
    it, key = verified_payload(data, keys)
    other = type(it) is dict and type(it.get("format")) is int and it["format"] != 1
    demand(not other, "unknown_format", "it has another format than 1")
    demand(LICENSE(it), "bad_format", "the content is not a license")
    demand(not it["critical"], "unknown_critical", "it demands a rule that is not known here")
    demand(max(it["not_before"], it["issued_at"]) < it["expires_at"], "bad_dates", "it begins or was issued after its end")
    enough = it["binding"]["kind"] != "host" or it["binding"]["required"] <= len(it["binding"]["fingerprints"])
    demand(enough, "bad_binding", "it demands more host parts than it lists")
    is_trial = it["template"] == "trial"
    demand((key["purpose"] == "trial") == is_trial, "wrong_purpose", "this key may not sign such a license")
    demand(is_trial or "activation" not in it, "wrong_purpose", "only a trial is counted from its activation")
    if is_trial:
        check_trial(it)
    demand(it["sequence"] >= highest_sequence.get(it["deployment_id"], 0), "sequence_too_low", "a higher one was seen")
    return it

def word_for(vector, read):
    try:
        read(base64.b64decode(vector["file_base64"]), vector["keys"], vector.get("highest_sequence", {}))
        return "ok"
    except Refused as refused:
        return refused.args[0]

def run_vectors(paths, read=read_license):
    vectors = [vector for path in paths for vector in json.loads(pathlib.Path(path).read_text("utf-8"))]
    wrong = [vector for vector in vectors if word_for(vector, read) != vector["expect"]]
    for vector in wrong:
        print(f"{vector['name']}: {word_for(vector, read)} instead of {vector['expect']}")
    print(f"{len(vectors)} vectors, {len(wrong)} wrong")
    return 1 if wrong or not vectors else 0

def main(arguments):
    if arguments[:1] == ["--vectors"] and len(arguments) > 1:
        return run_vectors(arguments[1:])
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    keys, file = map(pathlib.Path, arguments)
    try:
        license = read_license(file.read_bytes(), json.loads(keys.read_text("utf-8"))["keys"], {})
    except Refused as refused:
        print(": ".join(refused.args))
        return 7
    print(json.dumps(license, indent=2, ensure_ascii=False))
    return 0

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
