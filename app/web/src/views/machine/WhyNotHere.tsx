import { useLocation } from "preact-iso";
import { get } from "../../api/client";
import type { Explanation } from "../../api/models";
import { address } from "../../base_path";
import { Field } from "../../components/Field";
import { Answered } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { useAnswer } from "../../components/use_answer";
import { type MessageName, t } from "../../messages";
import { hintOf } from "./failure_hint";

/** Says of any path why it is not in the library. The path is in the address, so that it can be sent to somebody. */
export function WhyNotHere() {
  const { query, route } = useLocation();
  const path = query["path"] ?? "";
  function ask(event: SubmitEvent): void {
    event.preventDefault();
    const wanted = String(new FormData(event.currentTarget as HTMLFormElement).get("path")).trim();
    route(address(`/machine?path=${encodeURIComponent(wanted)}`), true);
  }
  return (
    <Panel title={t("why.title")} isWide>
      <div class="why">
        <form onSubmit={ask}>
          <Field
            label={t("why.path")}
            name="path"
            required
            defaultValue={path}
            placeholder="/srv/music/…"
            autocomplete="off"
            spellcheck={false}
          />
          <button type="submit" class="button">
            {t("why.ask")}
          </button>
        </form>
        <output>{path && <Reply key={path} path={path} />}</output>
      </div>
    </Panel>
  );
}

function Reply({ path }: { path: string }) {
  const asked = useAnswer((signal) => get("/api/missing", { query: { path }, signal }), [path]);
  return <Answered asked={asked}>{(found) => <Words found={found} />}</Answered>;
}

function Words({ found }: { found: Explanation }) {
  return (
    <>
      <p>{t(`why.${found.state}` as MessageName)}</p>
      {found.reason && <p>{found.reason}</p>}
      {found.rule && (
        <p class="muted">
          {t("why.rule")} <code>{found.rule}</code>
        </p>
      )}
      {found.state === "failed" && found.reason && <p class="muted">{t(hintOf(found.reason))}</p>}
    </>
  );
}
