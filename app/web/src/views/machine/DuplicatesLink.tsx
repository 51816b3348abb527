import { get } from "../../api/client";
import { address } from "../../base_path";
import { Answered } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";

/** How many recordings there are in several files, and the way to their list. */
export function DuplicatesLink() {
  const asked = useAnswer((signal) => get("/api/duplicates", { query: { limit: 1 }, signal }), []);
  return (
    <Panel title={t("duplicates.title")} isWide>
      <Answered asked={asked}>
        {({ total }) =>
          total ? (
            <p>
              <a href={address("/machine/duplicates")}>{t("count.recordings", { count: total })}</a>
            </p>
          ) : (
            <p class="muted">{t("duplicates.none")}</p>
          )
        }
      </Answered>
    </Panel>
  );
}
