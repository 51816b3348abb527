import { useState } from "preact/hooks";
import { get, patch, post, remove } from "../../api/client";
import type { User } from "../../api/models";
import { Field } from "../../components/Field";
import { Answered } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { typedIn, useAction } from "../../components/use_action";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { ActionResult } from "./ActionResult";

/** The users of the appliance. `me`: the id of the one who looks. */
export function Users({ me }: { me: number | undefined }) {
  const asked = useAnswer((signal) => get("/api/users", { signal }), []);
  return (
    <Panel title={t("users.title")} isWide>
      <Answered asked={asked}>
        {({ items }) => (
          <ul class="rows">
            {items.map((user) => (
              <Item key={user.id} user={user} isMe={user.id === me} onChange={asked.retry} />
            ))}
          </ul>
        )}
      </Answered>
      <NewUser onAdded={asked.retry} />
    </Panel>
  );
}

function Item({ user, isMe, onChange }: { user: User; isMe: boolean; onChange: () => void }) {
  const action = useAction();
  const [open, setOpen] = useState<"password" | "remove">();
  const path = { user_id: user.id };
  const toggle = (what: "password" | "remove") => setOpen(open === what ? undefined : what);
  async function run(what: () => Promise<unknown>): Promise<void> {
    if (!(await action.run(what))) return;
    setOpen(undefined);
    onChange();
  }
  const otherRole = user.role === "manage" ? "listen" : "manage";
  const role = user.is_owner ? "users.owner" : user.role === "manage" ? "users.manages" : "users.listens";
  return (
    <li>
      <div>
        <p>{user.name}</p>
        <p class="muted">{t(role)}</p>
        {open === "password" && (
          <form
            onSubmit={(event) => {
              const { password = "" } = typedIn(event);
              void run(() => patch("/api/users/{user_id}", { path, body: { password } }));
            }}
          >
            <Field
              label={t("users.newPassword", { name: user.name })}
              name="password"
              type="password"
              required
              autocomplete="new-password"
            />
            <p class="muted">{t("users.passwordMeans")}</p>
            <button type="submit" class="button main">
              {t("users.setPassword")}
            </button>
          </form>
        )}
        {open === "remove" && (
          <p class="actions">
            <button
              type="button"
              class="button main"
              onClick={() => run(() => remove("/api/users/{user_id}", { path }))}
            >
              {t("users.removeForGood", { name: user.name })}
            </button>
          </p>
        )}
        <ActionResult action={action} />
      </div>
      {!isMe && !user.is_owner && (
        <div class="actions">
          <button
            type="button"
            class="button"
            onClick={() => run(() => patch("/api/users/{user_id}", { path, body: { role: otherRole } }))}
          >
            {t(otherRole === "manage" ? "users.letManage" : "users.letListen", { name: user.name })}
          </button>
          <button type="button" class="button" aria-expanded={open === "password"} onClick={() => toggle("password")}>
            {t("users.password")}
            <span class="visually-hidden"> {user.name}</span>
          </button>
          <button type="button" class="button" aria-expanded={open === "remove"} onClick={() => toggle("remove")}>
            {t("users.remove")}
            <span class="visually-hidden"> {user.name}</span>
          </button>
        </div>
      )}
    </li>
  );
}

function NewUser({ onAdded }: { onAdded: () => void }) {
  const action = useAction();
  async function add(event: Event): Promise<void> {
    const form = event.currentTarget as HTMLFormElement;
    const { name = "", password = "", manages } = typedIn(event);
    const body = { name, password, role: manages === undefined ? "listen" : "manage" } as const;
    if (!(await action.run(() => post("/api/users", { body })))) return;
    form.reset();
    onAdded();
  }
  return (
    <form onSubmit={add}>
      <h3>{t("users.add")}</h3>
      <Field label={t("users.name")} name="name" required autocomplete="off" />
      <Field label={t("users.firstPassword")} name="password" type="password" required autocomplete="new-password" />
      <label class="check">
        <input type="checkbox" name="manages" />
        {t("users.mayManage")}
      </label>
      <button type="submit" class="button" disabled={action.isRunning}>
        {t("users.addButton")}
      </button>
      <ActionResult action={action} done={t("users.added")} />
    </form>
  );
}
