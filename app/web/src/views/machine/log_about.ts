/** What a line of the log is about, beside its words. */
import type { LogLine } from "../../api/models";
import { t } from "../../messages";

/** Return the scan and the track of a line in words; "" for neither. */
export function aboutOf(line: Pick<LogLine, "session_id" | "track_id">): string {
  const parts = [];
  if (line.session_id !== null) parts.push(t("log.scan", { id: String(line.session_id) }));
  if (line.track_id !== null) parts.push(t("log.track", { id: String(line.track_id) }));
  return parts.join(" · ");
}
