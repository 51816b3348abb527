import { useState } from "preact/hooks";
import { get } from "../../api/client";
import type { Duplicates as Group } from "../../api/models";
import { session } from "../../api/session";
import { Cover } from "../../components/Cover";
import { DUPLICATE_ROWS } from "../../components/grid/sizes";
import { usePagedList } from "../../components/grid/use_paged_list";
import { VirtualGrid } from "../../components/grid/VirtualGrid";
import { ListHead } from "../../components/ListHead";
import { bytes } from "../../format_machine";
import { t } from "../../messages";
import { Files } from "./Files";
import "./Duplicates.css";

/** Recordings of which there are several files, as far as their sound tells. For those who manage the library. */
export function Duplicates() {
  if (session.value?.role !== "manage") return <p class="notice">{t("machine.notYours")}</p>;
  return <ManagersDuplicates />;
}

function ManagersDuplicates() {
  const [opened, setOpened] = useState<Group>();
  const [isComplete, setComplete] = useState(true);
  const list = usePagedList<Group>("duplicates", async ({ isFirst, ...part }, signal) => {
    const page = await get("/api/duplicates", { query: { ...part, count: isFirst }, signal });
    setComplete(page.complete);
    return page;
  });
  const total = list.total.value;
  return (
    <>
      <ListHead
        title={t("duplicates.title")}
        count={total === undefined ? undefined : t("count.recordings", { count: total })}
      />
      <p>{t("duplicates.guess")}</p>
      {!isComplete && <p class="muted">{t("duplicates.incomplete")}</p>}
      <VirtualGrid list={list} label={t("duplicates.title")} size={DUPLICATE_ROWS} empty={t("duplicates.none")}>
        {(group) => <Row group={group} open={() => setOpened(group)} />}
      </VirtualGrid>
      {opened && <Files group={opened} onClose={() => setOpened(undefined)} />}
    </>
  );
}

function Row({ group, open }: { group: Group; open: () => void }) {
  const first = group.tracks[0];
  if (!first) return null;
  const formats = [...new Set(group.tracks.map((track) => track.format))].join(", ");
  const size = bytes(group.tracks.reduce((sum, track) => sum + track.size, 0));
  return (
    <div class="duplicate-row">
      <Cover kind="track" id={first.id} hasPicture title={first.title} size={160} />
      <div class="names">
        <button type="button" class="one-line" aria-haspopup="dialog" onClick={open}>
          {first.title}
        </button>
        <p class="muted one-line">{first.artist}</p>
        <p class="muted one-line">
          {t("count.files", { count: group.tracks.length })} · {formats} · {size}
        </p>
      </div>
    </div>
  );
}
