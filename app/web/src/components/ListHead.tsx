import type { ComponentChildren } from "preact";
import { t } from "../messages";
import "./ListHead.css";

interface Props {
  title: string;
  count: string | undefined;
  /** What can be done with the whole list. */
  children?: ComponentChildren;
}

/** The heading of a list with the number of its items, which is read aloud when a filter changes it. */
export function ListHead({ title, count, children }: Props) {
  return (
    <header class="list-head">
      <h1>{title}</h1>
      <p class="muted" role="status">
        {count ?? t("list.loading")}
      </p>
      {children}
    </header>
  );
}
