import { useState } from "preact/hooks";
import { get, post, remove } from "../../api/client";
import type { AppPassword, MadeAppPassword, User } from "../../api/models";
import { address, basePath } from "../../base_path";
import { Field } from "../../components/Field";
import { Answered } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { typedIn, useAction } from "../../components/use_action";
import { useAnswer } from "../../components/use_answer";
import { day } from "../../format_machine";
import { t } from "../../messages";
import { ActionResult } from "./ActionResult";

const SERVER = location.origin + basePath;

/** The apps on other devices: each has a password of its own, which is shown once. */
export function Apps({ user }: { user: Pick<User, "name" | "role"> }) {
  const asked = useAnswer((signal) => get("/api/account/app-passwords", { signal }), []);
  const [made, setMade] = useState<MadeAppPassword>();
  const action = useAction();
  async function make(event: Event): Promise<void> {
    const form = event.currentTarget as HTMLFormElement;
    const { name = "", manages } = typedIn(event);
    const role = manages === undefined ? "listen" : "manage";
    const isMade = await action.run(async () => {
      setMade(await post("/api/account/app-passwords", { body: { name, role } }));
    });
    if (!isMade) return;
    form.reset();
    asked.retry();
  }
  return (
    <Panel title={t("apps.title")} isWide>
      <p class="muted">{t("apps.what")}</p>
      <p>
        {t("apps.hint")} <code>{SERVER}</code>
      </p>
      <form onSubmit={make}>
        <Field label={t("apps.name")} name="name" required maxLength={100} autocomplete="off" />
        {user.role === "manage" && (
          <label class="check">
            <input type="checkbox" name="manages" />
            {t("apps.manages")}
          </label>
        )}
        <button type="submit" class="button" disabled={action.isRunning}>
          {t("apps.make")}
        </button>
        <ActionResult action={action} />
      </form>
      <div role="status">{made && <Made made={made} userName={user.name} />}</div>
      <Answered asked={asked}>
        {({ items }) => (
          <ul class="rows">
            {items.map((app) => (
              <Item key={app.id} app={app} onRevoked={asked.retry} />
            ))}
          </ul>
        )}
      </Answered>
      <p class="muted">
        <a href={address("/apps")} target="_self">
          {t("apps.withoutScript")}
        </a>
      </p>
    </Panel>
  );
}

function Made({ made, userName }: { made: MadeAppPassword; userName: string }) {
  const values = [
    [t("apps.server"), SERVER],
    [t("apps.user"), userName],
    [t("apps.password"), made.password],
  ] as const;
  return (
    <section class="made">
      <p>{t("apps.made", { name: made.name })}</p>
      <dl>
        {values.map(([name, value]) => [
          <dt key={`${name} name`} class="muted">
            {name}
          </dt>,
          <dd key={name}>
            <code>{value}</code>
          </dd>,
        ])}
      </dl>
    </section>
  );
}

function Item({ app, onRevoked }: { app: AppPassword; onRevoked: () => void }) {
  const action = useAction();
  async function revoke(): Promise<void> {
    const path = { password_id: app.id };
    if (await action.run(() => remove("/api/account/app-passwords/{password_id}", { path }))) onRevoked();
  }
  const used = app.used_at === null ? t("apps.unused") : t("apps.used", { day: day(app.used_at) });
  return (
    <li>
      <div>
        <p>{app.name}</p>
        <p class="muted">
          {[used, app.used_by, app.role === "manage" && t("users.manages")].filter(Boolean).join(" · ")}
        </p>
        <ActionResult action={action} />
      </div>
      <button type="button" class="button" aria-label={t("apps.revokeOf", { name: app.name })} onClick={revoke}>
        {t("apps.revoke")}
      </button>
    </li>
  );
}
