import { useState } from "preact/hooks";
import { get } from "../../api/client";
import { Choice } from "../../components/Choice";
import { Icon } from "../../components/Icon";
import { useAnswer } from "../../components/use_answer";
import { shown, t } from "../../messages";
import { tagName } from "../../sound_tags";
import { type AlbumQuery, countFilters, FILTERS, newSeed, SORTS, type Sort } from "./album_query";

interface Props {
  chosen: AlbumQuery;
  onChange: (chosen: AlbumQuery) => void;
}

/** The names that the library has for formats. */
const FORMATS = (
  "FLAC|MP3|M4A|AAC|Opus|Ogg Vorbis|Ogg FLAC|WAV|AIFF|WavPack|Monkey's Audio|Musepack|WMA|DSF|DSDIFF|TTA|Matroska|" +
  "WebM|AC-3|MP2|Speex"
).split("|");
const MAX_GENRES = 500;

/** The order of the albums, and which of them are shown. */
export function AlbumControls({ chosen, onChange }: Props) {
  const filters = countFilters(chosen);
  const [areShown, setShown] = useState(filters > 0);
  const sortBy = (sort: Sort) => {
    const { seed: _, ...rest } = chosen;
    const order = sort === "added" ? "desc" : "asc";
    onChange(sort === "random" ? { ...rest, sort, order, seed: newSeed() } : { ...rest, sort, order });
  };
  return (
    <>
      <div class="list-controls">
        <Choice
          label={t("library.sort")}
          value={chosen.sort}
          options={SORTS.map((value) => ({ value, label: t(`library.sort.${value}`) }))}
          onChange={sortBy}
        />
        {chosen.sort === "random" ? (
          <button type="button" class="button" onClick={() => onChange({ ...chosen, seed: newSeed() })}>
            <Icon name="shuffle" size={18} />
            {t("library.otherOrder")}
          </button>
        ) : (
          <Direction chosen={chosen} onChange={onChange} />
        )}
        <button type="button" class="button" aria-expanded={areShown} onClick={() => setShown(!areShown)}>
          <Icon name="filter" size={18} />
          {t("library.filters")}
          {filters > 0 && <span class="filter-count">{filters}</span>}
        </button>
      </div>
      {areShown && <Filters chosen={chosen} onChange={onChange} />}
    </>
  );
}

function Direction({ chosen, onChange }: Props) {
  const isDown = chosen.order === "desc";
  return (
    <button
      type="button"
      class="icon-button"
      aria-pressed={isDown}
      aria-label={t("library.descending")}
      onClick={() => onChange({ ...chosen, order: isDown ? "asc" : "desc" })}
    >
      <Icon name={isDown ? "arrowDown" : "arrowUp"} size={20} />
    </button>
  );
}

function Filters({ chosen, onChange }: Props) {
  const query = { limit: MAX_GENRES, count: false };
  const genres = useAnswer((signal) => get("/api/genres", { query, signal }), []).answer?.items ?? [];
  const tags = useAnswer((signal) => get("/api/sound-tags", { signal }), []).answer?.items ?? [];
  const set = (name: (typeof FILTERS)[number], value: string | number | boolean | undefined) => {
    const next: Record<string, unknown> = { ...chosen, [name]: value };
    if (value === undefined || value === "") delete next[name];
    onChange(next as unknown as AlbumQuery);
  };
  return (
    <fieldset class="list-controls filters">
      <legend class="visually-hidden">{t("library.filters")}</legend>
      <Choice
        label={t("library.genre")}
        value={String(chosen.genre_id ?? "")}
        options={[
          { value: "", label: t("library.any") },
          ...genres.map(({ id, name }) => ({ value: String(id), label: name })),
        ]}
        onChange={(value) => set("genre_id", Number(value) || undefined)}
      />
      <Year label={t("library.from")} value={chosen.year_from} onChange={(year) => set("year_from", year)} />
      <Year label={t("library.to")} value={chosen.year_to} onChange={(year) => set("year_to", year)} />
      <Choice
        label={t("library.format")}
        value={chosen.format ?? ""}
        options={[
          { value: "", label: t("library.any") },
          ...[...new Set([...FORMATS, ...(chosen.format ? [chosen.format] : [])])].map((value) => ({
            value,
            label: value,
          })),
        ]}
        onChange={(value) => set("format", value)}
      />
      <Choice
        label={t("library.compilations")}
        value={chosen.compilation === undefined ? "" : String(chosen.compilation)}
        options={[
          { value: "", label: t("library.compilations.all") },
          { value: "true", label: t("library.compilations.only") },
          { value: "false", label: t("library.compilations.none") },
        ]}
        onChange={(value) => set("compilation", value === "" ? undefined : value === "true")}
      />
      <Choice
        label={t("library.soundTag")}
        value={chosen.tag ?? ""}
        options={[
          { value: "", label: t("library.any") },
          ...tags
            .filter(({ name, tracks }) => tracks > 0 || name === chosen.tag)
            .map(({ name, tracks }) => ({ value: name, label: `${tagName(name)} (${shown(tracks)})` })),
        ]}
        onChange={(value) => set("tag", value)}
      />
      {countFilters(chosen) > 0 && (
        <button
          type="button"
          class="button"
          onClick={() => {
            const next: Record<string, unknown> = { ...chosen };
            for (const name of FILTERS) delete next[name];
            onChange(next as unknown as AlbumQuery);
          }}
        >
          <Icon name="close" size={16} />
          {t("library.noFilters")}
        </button>
      )}
    </fieldset>
  );
}

function Year(props: { label: string; value: number | undefined; onChange: (year: number | undefined) => void }) {
  // Half a year outlasts a new rendering, until the address says another one. An effect would run after the first paint
  // and take away what was typed before it.
  const said = String(props.value ?? "");
  const [{ text, of }, setTyped] = useState({ text: said, of: said });
  if (of !== said) setTyped({ text: said, of: said });
  return (
    <label class="choice">
      <span class="muted">{props.label}</span>
      <input
        type="number"
        inputMode="numeric"
        min={1}
        max={9999}
        placeholder="––––"
        value={text}
        onInput={(event) => setTyped({ text: event.currentTarget.value, of: said })}
        onChange={(event) => props.onChange(Number(event.currentTarget.value) || undefined)}
      />
    </label>
  );
}
