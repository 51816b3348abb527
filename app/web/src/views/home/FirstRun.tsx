import { useEffect, useState } from "preact/hooks";
import { get } from "../../api/client";
import { machine, scanProgress, watchMachine } from "../../api/live";
import type { Album } from "../../api/models";
import { session } from "../../api/session";
import { AlbumGrid } from "../../components/AlbumGrid";
import { t } from "../../messages";
import { Drives } from "../../scan/Drives";
import { isScanning } from "../../scan/progress";
import { ScanButtons } from "../../scan/ScanButtons";
import { ScanProgress } from "../../scan/ScanProgress";
import "./FirstRun.css";

const POLL_MS = 3_000;
const SHOWN_ALBUMS = 24;

/** What a new appliance shows: how music gets there, then how it is read, with the albums as they come. */
export function FirstRun() {
  const isManager = session.value?.role === "manage";
  const progress = scanProgress.value;
  const isRunning = isScanning(progress);
  const albums = useFirstAlbums(isRunning);
  useEffect(() => (isManager ? watchMachine() : undefined), [isManager]);

  return (
    <div class="first-run">
      {isRunning ? (
        <section aria-label={t("scan.progress")}>
          <ScanProgress progress={progress} />
          {isManager && <ScanButtons />}
        </section>
      ) : (
        <section>
          <h2>{t("first.plugIn")}</h2>
          <p class="muted">{t(isManager ? "first.how" : "first.ask")}</p>
          {isManager && <MachineSees />}
        </section>
      )}
      {albums.length > 0 && (
        <section>
          <h2>{t("first.albums")}</h2>
          <AlbumGrid albums={albums} />
        </section>
      )}
    </div>
  );
}

function MachineSees() {
  const progress = scanProgress.value;
  const drives = machine.value?.drives.filter((drive) => drive.use === "music");
  return (
    <>
      <h3>{t("first.sees")}</h3>
      {drives ? <Drives drives={drives} /> : <p class="muted">{t("list.loading")}</p>}
      {progress && (
        <p role="status">
          {t("scan.found", { count: progress.files })}
          {progress.failures > 0 && ` · ${t("count.failures", { count: progress.failures })}`}
        </p>
      )}
      <ScanButtons />
    </>
  );
}

/** Ask for the newest albums every few seconds while a scan runs, and once more at its end. */
function useFirstAlbums(isRunning: boolean): readonly Album[] {
  const [albums, setAlbums] = useState<readonly Album[]>([]);
  useEffect(() => {
    let timer = 0;
    let isOver = false;
    async function poll(): Promise<void> {
      try {
        const query = { sort: "added", order: "desc", limit: SHOWN_ALBUMS, count: false } as const;
        const { items } = await get("/api/albums", { query });
        if (!isOver) setAlbums(items);
      } catch {
        // The notice over the view says that nothing answers; the next poll may succeed.
      }
      if (!isOver && isRunning) timer = window.setTimeout(poll, POLL_MS);
    }
    void poll();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [isRunning]);
  return albums;
}
