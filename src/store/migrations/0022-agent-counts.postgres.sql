-- How many agents are connected, to each team and ('') to the deployment: a cap is looked at for each that connects,
-- and counting the rows takes the longer the more there are.
create table agent_counts (
  scope text collate "C" not null primary key,
  connected bigint not null
);
insert into agent_counts (scope, connected) select team_id, count(*) from agents group by team_id;
insert into agent_counts (scope, connected) select '', count(*) from agents;

-- Triggers, so that no statement which adds or removes an agent can forget to count it.
create function count_agent_added() returns trigger language plpgsql as $$
begin
  insert into agent_counts (scope, connected) values (new.team_id, 0) on conflict (scope) do nothing;
  update agent_counts set connected = connected + 1 where scope in (new.team_id, '');
  return null;
end
$$;
create function count_agent_removed() returns trigger language plpgsql as $$
begin
  update agent_counts set connected = connected - 1 where scope in (old.team_id, '');
  delete from agent_counts where scope = old.team_id and connected = 0;
  return null;
end
$$;
create trigger agents_added after insert on agents for each row execute function count_agent_added();
create trigger agents_removed after delete on agents for each row execute function count_agent_removed();
