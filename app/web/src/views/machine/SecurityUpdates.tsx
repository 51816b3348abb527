import type { SystemUpdates } from "../../api/models";
import { dayAndTime } from "../../format_machine";
import { t } from "../../messages";

/** What the last run of Debian's security updates has done, and what there is to do. */
export function SecurityUpdates({ updates }: { updates: SystemUpdates | null }) {
  if (!updates) return <p class="muted">{t("security.none")}</p>;
  const { result, reason, packages, succeeded_at: succeededAt } = updates;
  return (
    <div class="update">
      <p class={result === "failed" ? "warning" : undefined}>
        {t(`security.${result}`, { count: packages.length, reason })}
      </p>
      {updates.waits_for_reboot && <p class="warning">{t("security.restart")}</p>}
      <p class="muted">
        {t("security.ended", { time: dayAndTime(updates.ended_at) })}{" "}
        {succeededAt === null ? t("security.never") : t("security.succeeded", { time: dayAndTime(succeededAt) })}
      </p>
      {packages.length > 0 && (
        <details>
          <summary>{t("security.packages")}</summary>
          <ul>
            {packages.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
