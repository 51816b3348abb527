import { Dialog } from "../components/Dialog";
import { type MessageName, t } from "../messages";
import { areShortcutsShown } from "./keys";
import "./Shortcuts.css";

const KEYS: readonly (readonly [readonly MessageName[], MessageName])[] = [
  [["key.space"], "shortcuts.toggle"],
  [["key.shift", "key.right"], "player.next"],
  [["key.shift", "key.left"], "player.previous"],
  [["key.question"], "shortcuts.title"],
];

/** Tells which keys work everywhere. */
export function Shortcuts() {
  const close = () => {
    areShortcutsShown.value = false;
  };
  return (
    <Dialog title={t("shortcuts.title")} onClose={close}>
      <dl class="shortcuts">
        {KEYS.map(([keys, action]) => (
          <div key={action}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{t(key)}</kbd>
              ))}
            </dt>
            <dd>{t(action)}</dd>
          </div>
        ))}
      </dl>
      <p class="muted">{t("shortcuts.slider")}</p>
    </Dialog>
  );
}
