import type { Machine, ProcessChange } from "../../api/models";
import { timeOfDay } from "../../format_machine";
import { type MessageName, t } from "../../messages";
import { type Step, stepPath } from "./steps";

const HOUR_SECONDS = 3600;
const BOX = { width: 300, height: 60 };
/** The least number of processes that the chart has room for. */
const MIN_TOP = 4;

/** How many processes there are, and were in the last hour. */
export function Processes(props: { processes: NonNullable<Machine["processes"]>; now: number }) {
  const { changes, highest, limit, now } = props.processes;
  const steps: Step[] = changes.map((change) => ({ at: change.at, value: change.processes }));
  const top = Math.max(MIN_TOP, highest, ...steps.map((step) => step.value));
  const start = props.now - HOUR_SECONDS;
  const { line, area } = stepPath(steps, start, props.now, top, BOX);
  return (
    <>
      <p>
        <span class="big" data-testid="processes">
          {now}
        </span>{" "}
        <span class="muted">{t("machine.ofProcesses", { limit: limit || highest })}</span>
      </p>
      <div class="steps">
        <p class="values muted" aria-hidden="true">
          <span>{top}</span>
          <span>0</span>
        </p>
        <svg
          class="step-chart"
          viewBox={`0 0 ${BOX.width} ${BOX.height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={t("machine.chart")}
        >
          {Array.from({ length: top + 1 }, (_, n) => (BOX.height * n) / top).map((y) => (
            <line key={y} class="grid" x1="0" x2={BOX.width} y1={y} y2={y} />
          ))}
          <path class="area" d={area} />
          <path class="line" d={line} />
        </svg>
        <p class="times muted">
          <span>{timeOfDay(start)}</span>
          <span>{timeOfDay(props.now)}</span>
        </p>
      </div>
      <details>
        <summary>{t("machine.reasons")}</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard */}
        <section class="scroll" tabIndex={0} aria-label={t("machine.reasons")}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t("machine.time")}</th>
                <th scope="col">{t("machine.count")}</th>
                <th scope="col">{t("machine.reason")}</th>
              </tr>
            </thead>
            <tbody>
              {[...changes].reverse().map((change) => (
                <tr key={`${change.at} ${change.worker}`}>
                  <td>{timeOfDay(change.at)}</td>
                  <td>{change.processes}</td>
                  <td>{reasonOf(change)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </details>
    </>
  );
}

function reasonOf(change: ProcessChange): string {
  const words = t(`processes.${change.reason}` as MessageName);
  return change.reason === "memory" ? `${words} (${change.detail})` : words;
}
