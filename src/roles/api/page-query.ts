/** Query parameters of paginated lists: numbers as text, since a query has nothing else. */
import { t } from "elysia";

export const pageQuery = {
  current_page: t.Optional(t.Numeric({ description: "a whole number" })),
  per_page: t.Optional(t.Numeric({ description: "a whole number" })),
};
