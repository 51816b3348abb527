import { useState } from "preact/hooks";
import { get } from "../../api/client";
import { scanProgress } from "../../api/live";
import { session } from "../../api/session";
import { AlbumRow } from "../../components/AlbumRow";
import { Answered } from "../../components/Notice";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { isFirstScan } from "../../scan/progress";
import { ScanBar } from "../../scan/ScanBar";
import { useScanEnds } from "../../scan/use_scan_ends";
import { FirstRun } from "./FirstRun";

const ROW_ALBUMS = 20;

/** The first view: what is new, what is heard most, and something else. */
export function Home() {
  const [seed] = useState(() => Math.floor(Math.random() * 2 ** 31));
  const asked = useAnswer((signal) => loadRows(seed, signal), [useScanEnds()]);
  const name = session.value?.user?.name;
  return (
    <>
      <h1>{name ? `${t("home.welcome")}, ${name}` : t("home.welcome")}</h1>
      <Answered asked={asked}>
        {([recent, mostPlayed, random]) =>
          !recent.length || isFirstScan(scanProgress.value) ? (
            <FirstRun />
          ) : (
            <>
              <ScanBar />
              <AlbumRow title={t("home.recent")} albums={recent} />
              <AlbumRow title={t("home.mostPlayed")} albums={mostPlayed} />
              <AlbumRow title={t("home.random")} albums={random} />
            </>
          )
        }
      </Answered>
    </>
  );
}

async function loadRows(seed: number, signal: AbortSignal) {
  const page = { limit: ROW_ALBUMS, count: false };
  const [recent, mostPlayed, random] = await Promise.all([
    get("/api/albums", { query: { ...page, sort: "added", order: "desc" }, signal }),
    session.value?.user ? loadMostPlayed(signal) : [], // plays belong to a user
    get("/api/albums", { query: { ...page, sort: "random", seed }, signal }),
  ]);
  return [recent.items, mostPlayed, random.items] as const;
}

async function loadMostPlayed(signal: AbortSignal) {
  const query = { sort: "most_played", limit: ROW_ALBUMS } as const;
  const marks = await get("/api/marks/{kind}", { path: { kind: "album" }, query, signal });
  return "albums" in marks ? marks.albums : [];
}
