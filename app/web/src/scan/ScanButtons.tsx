import { useState } from "preact/hooks";
import { ApiError, post } from "../api/client";
import { scanProgress } from "../api/live";
import { ErrorNotice } from "../components/Notice";
import { t } from "../messages";
import { isScanning } from "./progress";
import "./ScanButtons.css";

/** Starts a scan, or pauses, continues or cancels the one that runs. Only for those who manage the appliance. */
export function ScanButtons({ withFull = false }: { withFull?: boolean }) {
  const [error, setError] = useState<ApiError>();
  const [isSending, setSending] = useState(false);
  const progress = scanProgress.value;

  async function send(request: () => Promise<unknown>): Promise<void> {
    setSending(true);
    setError(undefined);
    try {
      await request();
    } catch (problem) {
      setError(problem instanceof ApiError ? problem : new ApiError(0, String(problem)));
    } finally {
      setSending(false);
    }
  }
  const change = (what: "pause" | "resume" | "cancel", session_id: number) => () =>
    send(() => post(`/api/scan-sessions/{session_id}/${what}`, { path: { session_id } }));
  const start = (full: boolean) => () => send(() => post("/api/scan", { body: { full, confirm_removal: false } }));

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
            <Button label={t("scan.start")} isMain isDisabled={isSending} onClick={start(false)} />
            {withFull && <Button label={t("scan.startFull")} isDisabled={isSending} onClick={start(true)} />}
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
