import { useState } from "preact/hooks";
import { get } from "../../api/client";
import type { LogLine } from "../../api/models";
import { Choice } from "../../components/Choice";
import { Answered } from "../../components/Notice";
import { useAnswer } from "../../components/use_answer";
import { exactTime } from "../../format_machine";
import { t } from "../../messages";
import { aboutOf } from "./log_about";
import "./LogLines.css";

type Level = LogLine["level"];
type Program = LogLine["program"];

const SHOWN_LINES = 200;
/** Names, which no language changes. */
const PROGRAMS: Record<Program, string> = { api: "API", worker: "Worker", flower: "Flower" };

/** What the programs have logged in the last hour. It is asked for again when `version` changes. */
export function LogLines({ version }: { version: string }) {
  const [level, setLevel] = useState<Level>("warning");
  const [program, setProgram] = useState<Program | "">("");
  const asked = useAnswer(
    (signal) => get("/api/logs", { query: { level, limit: SHOWN_LINES, ...(program && { program }) }, signal }),
    [version, level, program],
  );
  return (
    <>
      <div class="log-filters">
        <Choice
          label={t("log.show")}
          value={level}
          options={[
            { value: "error", label: t("log.errors") },
            { value: "warning", label: t("log.warnings") },
            { value: "info", label: t("log.everything") },
          ]}
          onChange={setLevel}
        />
        <Choice
          label={t("log.program")}
          value={program}
          options={[
            { value: "", label: t("log.allPrograms") },
            ...Object.entries(PROGRAMS).map(([value, label]) => ({ value: value as Program, label })),
          ]}
          onChange={setProgram}
        />
      </div>
      <Answered asked={asked}>
        {({ items }) =>
          items.length ? (
            <>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard */}
              <section class="scroll" tabIndex={0} aria-label={t("machine.log")}>
                <ol class="log">
                  {items.map((line) => (
                    <Line key={`${line.at} ${line.program} ${line.message}`} line={line} />
                  ))}
                </ol>
              </section>
              {items.length === SHOWN_LINES && <p class="muted">{t("log.newest", { count: SHOWN_LINES })}</p>}
            </>
          ) : (
            <p class="muted">{t(level === "info" ? "log.none" : "log.noTrouble")}</p>
          )
        }
      </Answered>
    </>
  );
}

function Line({ line }: { line: LogLine }) {
  const about = aboutOf(line);
  return (
    <li>
      <time class="muted" dateTime={new Date(1000 * line.at).toISOString()}>
        {exactTime(line.at)}
      </time>
      <span class="level" data-level={line.level}>
        {t(`log.${line.level}`)}
      </span>
      <span class="muted">{PROGRAMS[line.program]}</span>
      <p>
        {/* The programs log in English, whatever the page speaks. */}
        <span lang="en">{line.message}</span>
        {about && <span class="muted"> {about}</span>}
      </p>
    </li>
  );
}
