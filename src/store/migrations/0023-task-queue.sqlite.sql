-- The next task of a team is found without a look at those that are in hand or over, however many they are.
create index tasks_open on tasks (team_id, created_at, id) where status in ('pending', 'waiting');
