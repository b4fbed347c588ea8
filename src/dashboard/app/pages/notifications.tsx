/** What the person is told of, the newest first. */
import { pageIn, useAnswer, useDeed } from "../deployment.ts";
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
        usePage={(query) => pageIn(useAnswer("notification.list", { query }), ({ notification_list }) => notification_list)}
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
