import { scanProgress } from "../api/live";
import { type MessageName, t } from "../messages";
import { ProgressBar } from "./ProgressBar";
import { isBusy, percentOf, phaseOf, roundedTime } from "./progress";
import "./ScanBar.css";

/** A slim bar over a view, while a scan runs or tracks are analysed. */
export function ScanBar() {
  const progress = scanProgress.value;
  if (!isBusy(progress)) return null;
  const left = progress.seconds_left ? roundedTime(progress.seconds_left) : undefined;
  return (
    <div class="scan-bar">
      <p class="facts">
        <span class="one-line" role="status">
          {t(`scan.${phaseOf(progress)}` as MessageName)}
        </span>
        {left && <span class="muted">{t("scan.left", { time: t(left.name, { count: left.count }) })}</span>}
      </p>
      <ProgressBar percent={percentOf(progress)} label={t("scan.progress")} />
    </div>
  );
}
