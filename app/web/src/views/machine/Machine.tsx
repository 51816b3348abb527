import { useEffect } from "preact/hooks";
import { get } from "../../api/client";
import { machine, scanProgress, watchMachine } from "../../api/live";
import type { Machine as State } from "../../api/models";
import { session } from "../../api/session";
import { Answered } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { Drives } from "../../scan/Drives";
import { isBusy } from "../../scan/progress";
import { ScanButtons } from "../../scan/ScanButtons";
import { ScanProgress } from "../../scan/ScanProgress";
import { Backups } from "./Backups";
import { DuplicatesLink } from "./DuplicatesLink";
import { Failures } from "./Failures";
import { FlowerLink } from "./FlowerLink";
import { LogLines } from "./LogLines";
import { Memory } from "./Memory";
import { Processes } from "./Processes";
import { Queues } from "./Queues";
import { SecurityUpdates } from "./SecurityUpdates";
import { Update } from "./Update";
import { Vitals } from "./Vitals";
import { Wellbeing } from "./Wellbeing";
import { WhyNotHere } from "./WhyNotHere";
import "./Machine.css";

/** What the appliance does, and how it fares. For those who manage it. */
export function Machine() {
  if (session.value?.role !== "manage") return <p class="notice">{t("machine.notYours")}</p>;
  return <ManagersMachine />;
}

function ManagersMachine() {
  useEffect(watchMachine, []);
  const asked = useAnswer((signal) => get("/api/machine", { signal }), []);
  const state = machine.value ?? asked.answer;
  return (
    <>
      <h1>{t("nav.machine")}</h1>
      <div class="panels machine">
        <Wellbeing />
        <Now />
        <Answered asked={asked}>{(answer) => <Parts state={machine.value ?? answer} />}</Answered>
        <Backups />
        <Update />
        {state && (
          <Panel title={t("security.title")} isWide>
            <SecurityUpdates updates={state.system_updates} />
          </Panel>
        )}
        <Failures />
        <WhyNotHere />
        <DuplicatesLink />
        {state && <Log version={state.log_version} />}
      </div>
    </>
  );
}

function Now() {
  const progress = scanProgress.value;
  return (
    <Panel title={t("machine.now")} isWide>
      {isBusy(progress) ? <ScanProgress progress={progress} /> : <p class="muted">{t("scan.done")}</p>}
      <ScanButtons withFull />
    </Panel>
  );
}

function Parts({ state }: { state: State }) {
  return (
    <>
      <Panel title={t("machine.processes")}>
        {state.processes ? (
          <Processes processes={state.processes} now={state.time} />
        ) : (
          <p class="muted">{t("machine.noRedis")}</p>
        )}
      </Panel>
      <Panel title={t("machine.memory")}>
        <Memory memory={state.memory} />
      </Panel>
      <Panel title={t("machine.queues")}>
        {state.queues ? <Queues queues={state.queues} /> : <p class="muted">{t("machine.noRedis")}</p>}
        <FlowerLink flower={state.flower} />
      </Panel>
      <Panel title={t("machine.vitals")}>
        <Vitals state={state} />
      </Panel>
      <Panel title={t("machine.drives")} isWide>
        <Drives drives={state.drives} />
      </Panel>
    </>
  );
}

function Log({ version }: { version: string | null }) {
  return (
    <Panel title={t("machine.log")} isWide>
      {version === null ? <p class="muted">{t("machine.noRedis")}</p> : <LogLines version={version} />}
    </Panel>
  );
}
