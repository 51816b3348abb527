import { t } from "../messages";
import "./ListHead.css";

/** The heading of a list with the number of its items, which is read aloud when a filter changes it. */
export function ListHead({ title, count }: { title: string; count: string | undefined }) {
  return (
    <header class="list-head">
      <h1>{title}</h1>
      <p class="muted" role="status">
        {count ?? t("list.loading")}
      </p>
    </header>
  );
}
