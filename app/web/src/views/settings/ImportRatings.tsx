import { useState } from "preact/hooks";
import { type Answer, post } from "../../api/client";
import { Panel } from "../../components/Panel";
import { useAction } from "../../components/use_action";
import { t } from "../../messages";
import { ActionResult } from "./ActionResult";

/** Takes over the ratings and play counts that other programs have left in the tags. */
export function ImportRatings() {
  const [found, setFound] = useState<Answer<"/api/marks/import", "post">>();
  const action = useAction();
  const done = found && t("import.done", { ratings: found.ratings, plays: found.play_counts });
  return (
    <Panel title={t("import.title")}>
      <p class="muted">{t("import.what")}</p>
      <p>
        <button
          type="button"
          class="button"
          disabled={action.isRunning}
          onClick={() => action.run(async () => setFound(await post("/api/marks/import")))}
        >
          {t("import.start")}
        </button>
      </p>
      <ActionResult action={action} done={done ?? ""} />
    </Panel>
  );
}
