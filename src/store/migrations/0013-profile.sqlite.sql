-- A client may bind itself to a security profile.

alter table oidc_clients add column security_profile text;
