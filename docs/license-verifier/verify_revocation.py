#!/usr/bin/env python3
"""Reads a Cyberun revocation file, independently of Cyberun: Python 3 and the `openssl` command (3.0 or newer).

    verify_revocation.py KEYS.json FILE [LICENSE]   verify a revocation with the vendor's public keys and show it;
                                                    with a license, say whether the revocation ends it
    verify_revocation.py --vectors FILE...          run the published test vectors

Exit 0: a good revocation, which ends the license if one is named. Exit 1: it leaves that license alone.
Exit 7: it is refused; the first word printed says why. Exit 2: wrong use.
The rules and their order are those of docs/license-format.md, section "Revocations".
"""
import json, pathlib, sys

from verify_license import INSTANT, TOKEN, Refused, demand, read_license, record, run_vectors, text, verified_payload, whole

REVOCATION = record(
    format=whole(1), revocation_id=TOKEN, deployment_id=TOKEN, license_id=TOKEN, sequence=whole(2), issued_at=INSTANT,
    reason=text("[^\x00-\x1f\x7f-\x9f]{1,200}"),
)

def read_revocation(data, keys, highest_sequence):
    """The revocation in the file's bytes; raises Refused. `highest_sequence`: what was seen so far, by deployment."""
    it, key = verified_payload(data, keys, "cyberun-revocation+jws", 4_096)
    other = type(it) is dict and type(it.get("format")) is int and it["format"] != 1
    demand(not other, "unknown_format", "it has another format than 1")
    demand(REVOCATION(it), "bad_format", "the content is not a revocation")
    demand(key["purpose"] == "license", "wrong_purpose", "this key may not sign a revocation")
    demand(it["sequence"] >= highest_sequence.get(it["deployment_id"], 0), "sequence_too_low", "a higher one was seen")
    return it

def ends(revocation, license):
    """Whether the license stands at the place of the revocation or before it, in the order of its deployment."""
    place = lambda document: (document["sequence"], document["issued_at"])
    return revocation["deployment_id"] == license["deployment_id"] and place(license) <= place(revocation)

def main(arguments):
    if arguments[:1] == ["--vectors"] and len(arguments) > 1:
        return run_vectors(arguments[1:], read_revocation)
    if len(arguments) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    keys, *files = map(pathlib.Path, arguments)
    try:
        trusted = json.loads(keys.read_text("utf-8"))["keys"]
        revocation = read_revocation(files[0].read_bytes(), trusted, {})
        licenses = [read_license(file.read_bytes(), trusted, {}) for file in files[1:]]
    except Refused as refused:
        print(": ".join(refused.args))
        return 7
    print(json.dumps(revocation, indent=2, ensure_ascii=False))
    for license in licenses:
        print(f"{license['license_id']}: {'revoked' if ends(revocation, license) else 'not revoked'}")
    return 0 if all(ends(revocation, license) for license in licenses) else 1

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
