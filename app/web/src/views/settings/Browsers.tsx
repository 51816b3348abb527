import { get, remove } from "../../api/client";
import type { WebSession } from "../../api/models";
import { Answered } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { useAction } from "../../components/use_action";
import { useAnswer } from "../../components/use_answer";
import { day } from "../../format_machine";
import { t } from "../../messages";
import { ActionResult } from "./ActionResult";
import { browserName } from "./browser_name";

/** The browsers in which one has signed in; each can be signed out from here. */
export function Browsers() {
  const asked = useAnswer((signal) => get("/api/account/sessions", { signal }), []);
  return (
    <Panel title={t("browsers.title")}>
      <Answered asked={asked}>
        {({ items }) => (
          <ul class="rows">
            {items.map((browser) => (
              <Item key={browser.id} browser={browser} onEnded={asked.retry} />
            ))}
          </ul>
        )}
      </Answered>
    </Panel>
  );
}

function Item({ browser, onEnded }: { browser: WebSession; onEnded: () => void }) {
  const action = useAction();
  const name = browserName(browser.browser) || t("browsers.unknown");
  const path = { session_id: browser.id };
  async function end(): Promise<void> {
    if (await action.run(() => remove("/api/account/sessions/{session_id}", { path }))) onEnded();
  }
  return (
    <li>
      <div>
        <p>{name}</p>
        <p class="muted">{[browser.address, t("browsers.used", { day: day(browser.used_at) })].join(" · ")}</p>
        <ActionResult action={action} />
      </div>
      {browser.is_current ? (
        <span class="muted">{t("browsers.this")}</span>
      ) : (
        <button type="button" class="button" aria-label={t("browsers.endOf", { name })} onClick={end}>
          {t("browsers.end")}
        </button>
      )}
    </li>
  );
}
