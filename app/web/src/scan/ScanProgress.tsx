import type { Progress } from "../api/models";
import { type MessageName, t } from "../messages";
import { ProgressBar } from "./ProgressBar";
import { percentOf, phaseOf, roundedTime } from "./progress";
import "./ScanProgress.css";

/** What a scan or the analysis does now: phase, one bar, speed, time that is left, and what is read. */
export function ScanProgress({ progress }: { progress: Progress }) {
  const phase = phaseOf(progress);
  const left = progress.seconds_left ? roundedTime(progress.seconds_left) : undefined;
  const facts = [
    countOf(progress),
    phase !== "paused" && progress.rate >= 1 && t("scan.rate", { count: Math.round(progress.rate) }),
    phase !== "paused" && left && t("scan.left", { time: t(left.name, { count: left.count }) }),
  ];
  return (
    <div class="scan-progress">
      <p class="phase" role="status">
        {t(`scan.${phase}` as MessageName)}
      </p>
      <ProgressBar percent={percentOf(progress)} label={t("scan.progress")} />
      <p class="facts muted">{facts.filter(Boolean).join(" · ")}</p>
      <p class="folder muted one-line">{phase === "inserting" && progress.folder}</p>
    </div>
  );
}

function countOf(progress: Progress): string {
  const phase = phaseOf(progress);
  if (phase === "analysing") return t("scan.toAnalyse", { count: progress.library_vectors_waiting });
  if (phase === "discovering") return t("scan.found", { count: progress.files });
  return t("scan.read", { count: progress.files, read: progress.inserted });
}
