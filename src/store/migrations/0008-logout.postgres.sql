-- Clients are told when a sign-in ends (OpenID Connect Back-Channel Logout 1.0). What ended before is not told any more.

alter table sessions add column logout_noted_at bigint;
update sessions set logout_noted_at = ended_at where ended_at is not null;
create index sessions_by_unnoted_end on sessions (ended_at) where ended_at is not null and logout_noted_at is null;
create index users_by_disabling on users (disabled_at) where disabled_at is not null;

alter table oidc_grants add column login_session_id text collate "C";
update oidc_grants set login_session_id = session_id;
create index oidc_grants_by_login_session on oidc_grants (login_session_id);

create table oidc_logout_notices (
  id text collate "C" not null primary key,
  client_id text collate "C" not null references oidc_clients (client_id) on delete cascade,
  user_id text collate "C" not null references users (id) on delete cascade,
  session_id text collate "C" not null,
  attempts bigint not null,
  created_at bigint not null,
  due_at bigint not null
);

create index oidc_logout_notices_by_due on oidc_logout_notices (due_at);
create index oidc_logout_notices_by_client on oidc_logout_notices (client_id);
create index oidc_logout_notices_by_user on oidc_logout_notices (user_id);
