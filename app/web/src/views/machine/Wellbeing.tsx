import { useEffect } from "preact/hooks";
import { get } from "../../api/client";
import type { Health } from "../../api/models";
import { Answered } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";

const INTERVAL_MS = 30_000;
const PARTS = ["database", "redis", "worker"] as const;

/** Whether all parts of the appliance answer, and what has to be seen to. */
export function Wellbeing() {
  const asked = useAnswer((signal) => get("/api/health", { signal, accepts: 503 }), []);
  useEffect(() => {
    const timer = setInterval(asked.retry, INTERVAL_MS);
    return () => clearInterval(timer);
  }, [asked.retry]);
  return (
    <Panel title={t("machine.health")} isWide>
      <Answered asked={asked}>{(health) => <Told health={health} />}</Answered>
    </Panel>
  );
}

function Told({ health }: { health: Health }) {
  const silent = PARTS.filter((part) => health[part] !== "ok");
  if (!silent.length && !health.warnings.length) return <p>{t("health.ok")}</p>;
  return (
    <ul class="told">
      {silent.map((part) => (
        <li key={part} class="warning">
          <strong>{t(`health.${part}`)}</strong> {health[part]}
        </li>
      ))}
      {health.warnings.map((warning) => (
        <li key={warning}>{warning}</li>
      ))}
    </ul>
  );
}
