import type { Machine } from "../../api/models";
import { bytes, dayAndTime } from "../../format_machine";
import { type MessageName, shown, t } from "../../messages";
import { roundedTime } from "../../scan/progress";

function cardInWords({ worn_percent: worn, written_bytes: written }: NonNullable<Machine["card"]>): string[] {
  const wear = worn === null ? t("vitals.cardUnknown") : t("vitals.cardUsed", { percent: worn });
  return written === null ? [wear] : [wear, t("vitals.cardWritten", { size: bytes(written) })];
}

/** Temperature, wear of the card, load, time since the start, and version. */
export function Vitals({ state }: { state: Machine }) {
  const { temperature_celsius: temperature, slowed, slowed_before } = state.board;
  const { card } = state;
  const uptime = roundedTime(state.uptime_seconds);
  const slowedNow = (slowed ?? []).map((reason) => t(`slowed.${reason}` as MessageName));
  const before = (slowed_before ?? []).filter((reason) => !slowed?.includes(reason));
  return (
    <>
      <dl class="pairs">
        <div>
          <dt>{t("vitals.temperature")}</dt>
          <dd>{temperature === null ? t("vitals.unknown") : `${shown(Math.round(temperature))} °C`}</dd>
        </div>
        {card && (
          <div>
            <dt>{t("vitals.card")}</dt>
            <dd>{cardInWords(card).join(" · ")}</dd>
          </div>
        )}
        <div>
          <dt>{t("vitals.load", { processors: state.processors })}</dt>
          <dd>{state.load.map((value) => shown(Math.round(100 * value) / 100)).join(" · ")}</dd>
        </div>
        <div>
          <dt>{t("vitals.uptime")}</dt>
          <dd>{t(uptime.name, { count: uptime.count })}</dd>
        </div>
        <div>
          <dt>{t("vitals.time")}</dt>
          <dd>{dayAndTime(state.time)}</dd>
        </div>
        <div>
          <dt>{t("vitals.version")}</dt>
          <dd>{state.version}</dd>
        </div>
      </dl>
      {(card?.reserve === "warning" || card?.reserve === "urgent") && <p class="warning">{t("vitals.cardWorn")}</p>}
      {slowedNow.length > 0 && <p class="warning">{slowedNow.join(" ")}</p>}
      {before.length > 0 && (
        <p class="muted">
          {t("vitals.before")} {before.map((reason) => t(`slowed.${reason}` as MessageName)).join(" ")}
        </p>
      )}
    </>
  );
}
