import { useEffect, useRef, useState } from "preact/hooks";
import { clock } from "../format";
import { t } from "../messages";
import { Icon } from "./Icon";
import "./EntryList.css";

export interface EntryRow {
  key: string | number;
  title: string;
  artist: string | null;
  duration: number;
  /** Whether it cannot be played now. */
  isMissing?: boolean;
}

interface Props {
  label: string;
  rows: readonly EntryRow[];
  play: (index: number) => void;
  /** Without these the list can only be read. */
  move?: ((from: number, to: number) => void) | undefined;
  remove?: ((index: number) => void) | undefined;
}

/** Tracks in an order that can be changed: by two buttons each, or by dragging. */
export function EntryList({ label, rows, play, move, remove }: Props) {
  const list = useRef<HTMLOListElement>(null);
  const [dragged, setDragged] = useState<number>();
  const [over, setOver] = useState<number>();
  const [moved, setMoved] = useState<{ key: string | number; way: "up" | "down"; text: string }>();
  useEffect(() => {
    // A row that is put elsewhere loses the focus.
    if (!moved) return;
    const row = [...(list.current?.children ?? [])].find((one) => one.getAttribute("data-key") === String(moved.key));
    const buttons = row?.querySelectorAll<HTMLButtonElement>("button[data-way]:enabled") ?? [];
    ([...buttons].find((one) => one.dataset["way"] === moved.way) ?? buttons[0])?.focus();
  }, [moved]);

  const shift = (index: number, way: "up" | "down") => {
    const row = rows[index];
    const to = way === "up" ? index - 1 : index + 1;
    if (!row) return;
    move?.(index, to);
    setMoved({ key: row.key, way, text: t("entries.movedTo", { title: row.title, place: to + 1 }) });
  };
  const drop = () => {
    if (dragged !== undefined && over !== undefined && dragged !== over) move?.(dragged, over);
    setDragged(undefined);
    setOver(undefined);
  };
  return (
    <>
      <ol class="entries" aria-label={label} ref={list}>
        {rows.map((row, index) => (
          <li
            key={row.key}
            data-key={row.key}
            draggable={!!move}
            class={dragged === index ? "dragged" : over === index ? (index < (dragged ?? 0) ? "above" : "below") : ""}
            onDragStart={(event) => {
              event.dataTransfer?.setData("text/plain", row.title);
              setDragged(index);
            }}
            onDragOver={(event) => {
              if (dragged === undefined) return;
              event.preventDefault();
              setOver(index);
            }}
            onDrop={(event) => {
              event.preventDefault();
              drop();
            }}
            onDragEnd={drop}
          >
            <button
              type="button"
              class="entry"
              disabled={row.isMissing}
              aria-label={t("action.playItem", { title: row.title })}
              onClick={() => play(index)}
            >
              <span class="one-line">{row.title}</span>
              <span class="one-line muted">{row.isMissing ? t("error.missing") : row.artist}</span>
            </button>
            {move && (
              <>
                <button
                  type="button"
                  class="icon-button"
                  data-way="up"
                  disabled={index === 0}
                  aria-label={t("entries.moveUp", { title: row.title })}
                  onClick={() => shift(index, "up")}
                >
                  <Icon name="moveUp" size={18} />
                </button>
                <button
                  type="button"
                  class="icon-button"
                  data-way="down"
                  disabled={index === rows.length - 1}
                  aria-label={t("entries.moveDown", { title: row.title })}
                  onClick={() => shift(index, "down")}
                >
                  <Icon name="moveDown" size={18} />
                </button>
              </>
            )}
            {remove && (
              <button
                type="button"
                class="icon-button"
                aria-label={t("entries.remove", { title: row.title })}
                onClick={() => remove(index)}
              >
                <Icon name="close" size={18} />
              </button>
            )}
            <span class="muted length">{clock(row.duration)}</span>
          </li>
        ))}
      </ol>
      <p class="visually-hidden" aria-live="polite">
        {moved?.text}
      </p>
    </>
  );
}
