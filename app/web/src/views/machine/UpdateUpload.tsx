import { useEffect, useRef, useState } from "preact/hooks";
import type { Updates } from "../../api/models";
import { Field } from "../../components/Field";
import { ErrorNotice } from "../../components/Notice";
import { useAction } from "../../components/use_action";
import { t } from "../../messages";
import { ProgressBar } from "../../scan/ProgressBar";
import { sendRelease } from "./send_release";

/** Sends a release from this browser's machine. `other`: what another browser is sending. */
export function UpdateUpload({ other, onDone }: { other: Updates["upload"]; onDone: () => void }) {
  const { error, isRunning, run } = useAction();
  const [share, setShare] = useState(0);
  const [name, setName] = useState("");
  const abort = useRef(new AbortController());
  useEffect(() => () => abort.current.abort(), []);
  async function send(event: Event): Promise<void> {
    event.preventDefault();
    const chosen = new FormData(event.currentTarget as HTMLFormElement);
    const archive = chosen.get("archive") as File;
    abort.current = new AbortController();
    setName(archive.name);
    setShare(0);
    await run(async () => {
      await sendRelease(archive, chosen.get("signature") as File, abort.current.signal, setShare);
    });
    onDone();
  }
  const isCancelled = abort.current.signal.aborted;
  return (
    <details>
      <summary>{t("update.upload")}</summary>
      <form onSubmit={send}>
        <Field label={t("update.archive")} name="archive" type="file" accept=".gz" required />
        <Field label={t("update.signature")} name="signature" type="file" accept=".sig" required />
        <button type="submit" class="button" disabled={isRunning}>
          {t("update.send")}
        </button>
      </form>
      {isRunning && (
        <div class="sending">
          <p>{t("update.sending", { name, percent: Math.floor(100 * share) })}</p>
          <ProgressBar percent={Math.floor(100 * share)} label={t("update.upload")} />
          <button type="button" class="button" onClick={() => abort.current.abort()}>
            {t("dialog.cancel")}
          </button>
        </div>
      )}
      {!isRunning && other && (
        <p class="muted">
          {t("update.sending", { name: other.name, percent: Math.floor((100 * other.received) / other.bytes) })}
        </p>
      )}
      {error && !isCancelled && <ErrorNotice error={error} />}
    </details>
  );
}
