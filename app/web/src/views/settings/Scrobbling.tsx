import { useState } from "preact/hooks";
import { get, post, put, remove } from "../../api/client";
import type { ScrobblingAccount } from "../../api/models";
import { Field } from "../../components/Field";
import { Answered } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { typedIn, useAction } from "../../components/use_action";
import { useAnswer } from "../../components/use_answer";
import { dayAndTime } from "../../format_machine";
import { type MessageName, t } from "../../messages";
import { ActionResult } from "./ActionResult";

const NAMES = { listenbrainz: "ListenBrainz", lastfm: "Last.fm" } as const;

/** The services that are told what one hears. */
export function Scrobbling() {
  const asked = useAnswer((signal) => get("/api/account/scrobbling", { signal }), []);
  return (
    <Panel title={t("scrobbling.title")} isWide>
      <p class="muted">{t("scrobbling.what")}</p>
      <Answered asked={asked}>
        {({ online, items }) => (
          <>
            {!online && <p>{t("scrobbling.offline")}</p>}
            <ul class="rows">
              {items.map((account) => (
                <Account key={account.service} account={account} onChange={asked.retry} />
              ))}
            </ul>
          </>
        )}
      </Answered>
    </Panel>
  );
}

function Account({ account, onChange }: { account: ScrobblingAccount; onChange: () => void }) {
  const action = useAction();
  const name = NAMES[account.service];
  async function disconnect(): Promise<void> {
    const path = { service: account.service };
    if (await action.run(() => remove("/api/account/scrobbling/{service}", { path }))) onChange();
  }
  return (
    <li>
      <div>
        <h3>{name}</h3>
        <p class="muted">{stateOf(account)}</p>
        {account.problem && <p>{account.problem}</p>}
        {account.state !== "connected" &&
          (account.service === "listenbrainz" ? (
            <ListenBrainz onChange={onChange} />
          ) : (
            <Lastfm isToApprove={account.state === "approval"} onChange={onChange} />
          ))}
        <ActionResult action={action} />
      </div>
      {account.state !== "none" && (
        <button type="button" class="button" aria-label={t("scrobbling.endOf", { name })} onClick={disconnect}>
          {t("scrobbling.end")}
        </button>
      )}
    </li>
  );
}

function stateOf(account: ScrobblingAccount): string {
  const facts = [
    t(`scrobbling.${account.state}` as MessageName, { name: account.name ?? "" }),
    account.waiting > 0 && t("scrobbling.waiting", { count: account.waiting }),
    account.sent_at !== null && t("scrobbling.sent", { time: dayAndTime(account.sent_at) }),
  ];
  return facts.filter(Boolean).join(" · ");
}

function ListenBrainz({ onChange }: { onChange: () => void }) {
  const action = useAction();
  async function connect(event: Event): Promise<void> {
    const { token = "" } = typedIn(event);
    const body = { token: token.trim() };
    if (await action.run(() => put("/api/account/scrobbling/listenbrainz", { body }))) onChange();
  }
  return (
    <form onSubmit={connect}>
      <Field label={t("scrobbling.token")} name="token" required autocomplete="off" spellcheck={false} />
      <Connect isRunning={action.isRunning} />
      <ActionResult action={action} />
    </form>
  );
}

function Lastfm({ isToApprove, onChange }: { isToApprove: boolean; onChange: () => void }) {
  const action = useAction();
  const [page, setPage] = useState("");
  async function connect(event: Event): Promise<void> {
    const { key = "", secret = "" } = typedIn(event);
    const body = { api_key: key.trim(), secret: secret.trim() };
    const isBegun = await action.run(async () => {
      const { url } = await put("/api/account/scrobbling/lastfm", { body });
      setPage(url);
    });
    if (isBegun) onChange();
  }
  async function finish(): Promise<void> {
    if (await action.run(() => post("/api/account/scrobbling/lastfm/approved"))) onChange();
  }
  return (
    <form onSubmit={connect}>
      <Field label={t("scrobbling.key")} name="key" required autocomplete="off" spellcheck={false} />
      <Field label={t("scrobbling.secret")} name="secret" type="password" required autocomplete="off" />
      <Connect isRunning={action.isRunning} />
      {page && (
        <p>
          <a href={page} target="_blank" rel="noreferrer">
            {t("scrobbling.approve")}
          </a>
        </p>
      )}
      {isToApprove && (
        <button type="button" class="button main" disabled={action.isRunning} onClick={finish}>
          {t("scrobbling.approved")}
        </button>
      )}
      <ActionResult action={action} />
    </form>
  );
}

function Connect({ isRunning }: { isRunning: boolean }) {
  return (
    <button type="submit" class="button" disabled={isRunning}>
      {t("scrobbling.connect")}
    </button>
  );
}
