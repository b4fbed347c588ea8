-- How many agents are connected, to each team and ('') to the deployment: a cap is looked at for each that connects,
-- and counting the rows takes the longer the more there are.
create table agent_counts (
  scope text not null primary key,
  connected integer not null
) strict, without rowid;
insert into agent_counts (scope, connected) select team_id, count(*) from agents group by team_id;
insert into agent_counts (scope, connected) select '', count(*) from agents;

-- Triggers, so that no statement which adds or removes an agent can forget to count it.
create trigger agents_added after insert on agents
begin
  insert into agent_counts (scope, connected) select new.team_id, 0 where not exists (select 1 from agent_counts where scope = new.team_id);
  update agent_counts set connected = connected + 1 where scope in (new.team_id, '');
end;
create trigger agents_removed after delete on agents
begin
  update agent_counts set connected = connected - 1 where scope in (old.team_id, '');
  delete from agent_counts where scope = old.team_id and connected = 0;
end;
