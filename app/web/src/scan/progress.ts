/** What the progress of a scan means for those who look at it. */
import type { Progress } from "../api/models";
import type { MessageName } from "../messages";

/** Whether files are being found or read, or would be if the scan were not paused. */
export function isScanning(progress: Progress | undefined): progress is Progress & { status: "running" | "paused" } {
  return progress?.status === "running" || progress?.status === "paused";
}

/** Whether there is anything to show: a scan, or the analysis of tracks. */
export function isBusy(progress: Progress | undefined): progress is Progress {
  return isScanning(progress) || (progress?.library_vectors_waiting ?? 0) > 0;
}

/** Whether the first scan of this library runs. */
export function isFirstScan(progress: Progress | undefined): boolean {
  return isScanning(progress) && progress.session_id === 1;
}

export type Phase = "discovering" | "inserting" | "analysing" | "paused" | "done";

/** The phase to show. Tracks of an earlier scan may wait for analysis when this one is done. */
export function phaseOf(progress: Progress | undefined): Phase {
  if (!isBusy(progress)) return "done";
  if (progress.phase === "done" || progress.phase === "cancelled") return "analysing";
  return progress.phase;
}

/** The percentage of the one bar; undefined while nobody knows how much there is to do. */
export function percentOf(progress: Progress): number | undefined {
  if (phaseOf(progress) === "discovering") return undefined;
  if (phaseOf(progress) !== "analysing") return progress.percent;
  return progress.status === "cancelled" || progress.phase === "done" ? undefined : progress.percent;
}

/** A duration as a message with its number: about 20 seconds, 3 minutes, 2 hours. */
export function roundedTime(seconds: number): { name: MessageName; count: number } {
  if (seconds < 50) return { name: "time.seconds", count: Math.max(10, Math.ceil(seconds / 10) * 10) };
  if (seconds < 90 * 60) return { name: "time.minutes", count: Math.round(seconds / 60) || 1 };
  if (seconds < 36 * 3600) return { name: "time.hours", count: Math.round(seconds / 3600) };
  return { name: "time.days", count: Math.round(seconds / 86400) };
}
