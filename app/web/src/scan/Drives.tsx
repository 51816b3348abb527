import type { Drive } from "../api/models";
import { bytes } from "../format_machine";
import { t } from "../messages";
import { ProgressBar } from "./ProgressBar";
import "./Drives.css";

const MIN_FREE_BYTES = 1 << 20; // as in api/storage.py: with less, nothing can be saved

/** The folders of music and the drives below them, each with what is free on it. */
export function Drives({ drives }: { drives: readonly Drive[] }) {
  return (
    <ul class="drives">
      {drives.map((drive) => (
        <li key={`${drive.use} ${drive.path}`}>
          <p class="name">
            <strong class="one-line">{drive.path}</strong>
            {drive.use === "data" && <span class="muted">{t("drives.data")}</span>}
          </p>
          {drive.state === "ok" ? (
            <Space drive={drive} />
          ) : (
            <p class="problem">{t(drive.state === "absent" ? "drives.absent" : "drives.silent")}</p>
          )}
        </li>
      ))}
    </ul>
  );
}

/** Why nothing can be saved on the drive of the data; undefined where it can. */
function problemOf({ use, free_bytes, read_only }: Drive): "drives.full" | "drives.unsaved" | undefined {
  if (use !== "data") return undefined;
  if (read_only) return "drives.unsaved";
  return (free_bytes ?? 0) < MIN_FREE_BYTES ? "drives.full" : undefined;
}

function Space({ drive }: { drive: Drive }) {
  const total = drive.total_bytes ?? 0;
  const free = drive.free_bytes ?? 0;
  const problem = problemOf(drive);
  const facts = [
    t("drives.free", { free: bytes(free), total: bytes(total) }),
    drive.file_system,
    drive.read_only && t("drives.readOnly"),
  ];
  return (
    <>
      <ProgressBar percent={total ? Math.round((100 * (total - free)) / total) : 0} label={t("drives.used")} />
      <p class="muted facts">{facts.filter(Boolean).join(" · ")}</p>
      {problem && <p class="problem">{t(problem)}</p>}
    </>
  );
}
