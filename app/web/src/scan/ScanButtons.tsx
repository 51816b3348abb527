import { post } from "../api/client";
import { scanProgress } from "../api/live";
import { ErrorNotice } from "../components/Notice";
import { useAction } from "../components/use_action";
import { t } from "../messages";
import { isScanning } from "./progress";
import "./ScanButtons.css";

/** Starts a scan, or pauses, continues or cancels the one that runs. Only for those who manage the appliance. */
export function ScanButtons({ withFull = false }: { withFull?: boolean }) {
  const { error, isRunning, run } = useAction();
  const progress = scanProgress.value;
  const change = (what: "pause" | "resume" | "cancel", session_id: number) => () =>
    run(() => post(`/api/scan-sessions/{session_id}/${what}`, { path: { session_id } }));
  const start = (full: boolean) => () => run(() => post("/api/scan", { body: { full, confirm_removal: false } }));

  return (
    <>
      <p class="scan-buttons">
        {isScanning(progress) ? (
          <>
            {progress.status === "paused" ? (
              <Button label={t("scan.resume")} isMain onClick={change("resume", progress.session_id)} />
            ) : (
              <Button label={t("scan.pause")} onClick={change("pause", progress.session_id)} />
            )}
            <Button label={t("scan.cancel")} onClick={change("cancel", progress.session_id)} />
          </>
        ) : (
          <>
            <Button label={t("scan.start")} isMain isDisabled={isRunning} onClick={start(false)} />
            {withFull && <Button label={t("scan.startFull")} isDisabled={isRunning} onClick={start(true)} />}
          </>
        )}
      </p>
      {error && <ErrorNotice error={error} />}
    </>
  );
}

function Button(props: { label: string; onClick: () => void; isMain?: boolean; isDisabled?: boolean }) {
  return (
    <button
      type="button"
      class={props.isMain ? "button main" : "button"}
      disabled={props.isDisabled}
      onClick={props.onClick}
    >
      {props.label}
    </button>
  );
}
