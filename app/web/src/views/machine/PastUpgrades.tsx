import type { PastUpgrade } from "../../api/models";
import { dayAndTime } from "../../format_machine";
import { t } from "../../messages";

/** How earlier updates ended, the newest first. */
export function PastUpgrades({ upgrades }: { upgrades: PastUpgrade[] }) {
  if (!upgrades.length) return null;
  return (
    <details>
      <summary>{t("update.past")}</summary>
      <ul>
        {upgrades.map((one) => (
          <li key={one.began_at}>
            <span class={one.step === "finished" ? undefined : "warning"}>
              {t(`update.${one.step as "finished" | "undone" | "failed"}`, {
                version: one.new,
                old: one.old,
                reason: one.reason,
              })}
            </span>
            <span class="muted">{dayAndTime(one.began_at)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
