import { put } from "../../api/client";
import { Field } from "../../components/Field";
import { Panel } from "../../components/Panel";
import { typedIn, useAction } from "../../components/use_action";
import { t } from "../../messages";
import { ActionResult } from "./ActionResult";

/** Changes one's own password. All other browsers are signed out. */
export function Password({ name }: { name: string }) {
  const action = useAction();
  async function change(event: Event): Promise<void> {
    const form = event.currentTarget as HTMLFormElement;
    const { old = "", new: wanted = "", revoke } = typedIn(event);
    const body = { old, new: wanted, revoke_apps: revoke !== undefined };
    if (await action.run(() => put("/api/account/password", { body }))) form.reset();
  }
  return (
    <Panel title={t("password.title")}>
      <form onSubmit={change}>
        {/* Programs that keep passwords look for the name here. */}
        <input hidden type="text" autocomplete="username" value={name} readOnly />
        <Field label={t("password.old")} name="old" type="password" required autocomplete="current-password" />
        <Field label={t("password.new")} name="new" type="password" required autocomplete="new-password" />
        <label class="check">
          <input type="checkbox" name="revoke" />
          {t("password.revoke")}
        </label>
        <button type="submit" class="button" disabled={action.isRunning}>
          {t("password.change")}
        </button>
        <ActionResult action={action} done={t("password.changed")} />
      </form>
    </Panel>
  );
}
