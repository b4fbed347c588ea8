-- A client may have to prove its key with a nonce of the issuer's.

alter table oidc_clients add column require_dpop_nonce boolean not null default false;
