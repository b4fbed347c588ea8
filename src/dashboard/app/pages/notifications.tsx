/** What the person is told of, the newest first. */
import { useAnswer, useDeed } from "../deployment.ts";
import { List } from "../parts/list.tsx";
import { Empty, Heading } from "../parts/pieces.tsx";
import { say, when } from "../words.ts";

export function Notifications() {
  const readAll = useDeed("notification.read_all");
  return (
    <>
      <Heading
        actions={
          <button type="button" className="quiet" disabled={readAll.isPending} onClick={() => readAll.mutate({})}>
            {say("readAll")}
          </button>
        }
      >
        {say("notifications")}
      </Heading>
      <List
        usePage={(query) => {
          const { data, error, refetch } = useAnswer("notification.list", { query });
          return { data: data === undefined ? undefined : { rows: data.notification_list, total: data.page_meta.total_count }, error, refetch };
        }}
        label={say("notifications")}
        columns={[
          { head: say("time"), cell: ({ created_at }) => when(created_at) },
          { head: say("notification"), cell: ({ title, message, read_at }) => <>{read_at === null ? <strong>{title}</strong> : title}: {message}</> },
        ]}
        idOf={({ id }) => id}
        empty={<Empty>{say("noNotifications")}</Empty>}
      />
    </>
  );
}
