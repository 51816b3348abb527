import type { ComponentChildren } from "preact";
import type { ApiError } from "../api/client";
import { failureText } from "../api/failure";
import { t } from "../messages";
import type { Asked } from "./use_answer";
import "./Notice.css";

/** Shows what a request has answered, or that it is loading, or why it failed and a button that tries again. */
export function Answered<T>(props: { asked: Asked<T>; children: (answer: T) => ComponentChildren }) {
  const { answer, error, retry } = props.asked;
  if (answer !== undefined) return <>{props.children(answer)}</>;
  if (error) return <ErrorNotice error={error} retry={retry} />;
  return <p class="notice muted">{t("list.loading")}</p>;
}

export function ErrorNotice({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <div class="notice" role="alert">
      <p>{failureText(error)}</p>
      {retry && error.status !== 404 && (
        <button type="button" class="button" onClick={retry}>
          {t("list.retry")}
        </button>
      )}
    </div>
  );
}
