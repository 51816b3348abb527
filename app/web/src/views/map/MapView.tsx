import { useMemo, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { Track } from "../../api/models";
import { queryOf } from "../../api/query";
import { address } from "../../base_path";
import { Choice } from "../../components/Choice";
import { Answered, ErrorNotice } from "../../components/Notice";
import { tell } from "../../components/tell";
import type { Asked } from "../../components/use_answer";
import { t } from "../../messages";
import { tagName } from "../../sound_tags";
import { AroundList } from "./AroundList";
import { COLOURINGS, type Colouring, coloured as colouredBy } from "./colours";
import { Legend } from "./Legend";
import { labelsOf, NO_LABELS } from "./labels";
import { type Ends, PathPanel } from "./PathPanel";
import { indexOf } from "./points";
import { Region } from "./Region";
import { byDistance, middleOf } from "./region";
import { ShownTrack } from "./ShownTrack";
import { Stage } from "./Stage";
import { type Named, type Placed, useMapData } from "./use_map_data";
import "./Map.css";

/** The map of the library: what sounds alike lies together. */
export function MapView() {
  const { placed, named } = useMapData();
  return (
    <Answered asked={placed}>
      {(data) =>
        data.points.count ? (
          <LibraryMap placed={data} named={named} />
        ) : (
          <Answered asked={named}>{({ state }) => <EmptyMap state={state} />}</Answered>
        )
      }
    </Answered>
  );
}

function EmptyMap({ state }: { state: Named["state"] }) {
  const share = state.progress ?? state.analysed / Math.max(state.tracks, 1);
  return (
    <div class="map-empty">
      <h1>{t("nav.map")}</h1>
      <p>{t("map.empty")}</p>
      <progress value={share} aria-label={t("map.progress")} />
      <p class="muted" role="status">
        {t("map.analysed", { count: state.analysed, tracks: state.tracks })}
        {state.progress !== null && ` ${t("map.layingOut", { percent: Math.round(100 * state.progress) })}`}
      </p>
    </div>
  );
}

function LibraryMap({ placed, named }: { placed: Placed; named: Asked<Named> }) {
  const { points } = placed;
  const names = named.answer?.names;
  const data = useMemo(
    () => ({ ...placed, labels: names ? labelsOf(placed.spots, names) : NO_LABELS }),
    [placed, names],
  );
  const { query, route } = useLocation();
  const by = COLOURINGS.find((one) => one === query["colour"]) ?? "genre";
  const isList = query["list"] === "1";
  const isPath = query["path"] === "1";
  const change = (values: Record<string, string | undefined>) =>
    route(address(`/map${queryOf({ ...query, ...values })}`), true);

  const coloured = useMemo(() => colouredBy(points, by), [points, by]);
  const legendNames = useMemo(() => names && numberedNames(names, by), [names, by]);
  const [hovered, setHovered] = useState<number>();
  const [tapped, setTapped] = useState(() => indexOf(points, Number(query["track"])));
  const [chosen, setChosen] = useState<readonly number[]>();
  const [ends, setEnds] = useState<Ends>({});
  const [path, setPath] = useState<readonly number[]>([]);
  const shown = tapped ?? hovered;
  const chosenIds = useMemo(
    () => chosen && byDistance(points, chosen, middleOf(points, chosen)).map((index) => points.ids[index] as number),
    [chosen],
  );
  const setEnd = (end: keyof Ends, track: Track | undefined) => {
    setEnds((before) => ({ ...before, [end]: track }));
    if (!isPath) change({ path: "1" });
  };
  return (
    <div class="map-view">
      <header>
        <h1>{t("nav.map")}</h1>
        <Choice
          label={t("map.colour")}
          value={by}
          options={COLOURINGS.map((value) => ({ value, label: t(`map.by.${value}`) }))}
          onChange={(colour: Colouring) => change({ colour: colour === "genre" ? undefined : colour })}
        />
        <Switch label={t("path.title")} isOn={isPath} press={() => change({ path: isPath ? undefined : "1" })} />
        <Switch label={t("map.list")} isOn={isList} press={() => change({ list: isList ? undefined : "1" })} />
      </header>
      {isList ? (
        <Answered asked={named}>{() => <AroundList data={data} />}</Answered>
      ) : (
        <Stage
          data={data}
          coloured={coloured}
          chosen={chosen}
          shown={shown}
          path={path}
          onHover={(index) => index !== undefined && setHovered(index)}
          onTap={(index) => {
            setTapped(index);
            setHovered(index);
          }}
          onChoose={(found) => {
            setChosen(found.length ? found : undefined);
            if (!found.length) tell(t("map.nothingChosen"));
            setTapped(undefined);
            setHovered(undefined);
          }}
        />
      )}
      <div class="map-side">
        {!isList && <Legend coloured={coloured} by={by} names={legendNames} />}
        {shown !== undefined && <ShownTrack id={points.ids[shown] as number} onPathEnd={setEnd} />}
        {chosenIds && <Region title={t("map.chosen")} ids={chosenIds} onClose={() => setChosen(undefined)} />}
        {isPath && (
          <PathPanel
            ends={ends}
            onEnd={setEnd}
            onPath={(ids) => setPath(ids.map((id) => indexOf(points, id)).filter((index) => index !== undefined))}
          />
        )}
        {shown === undefined && !chosenIds && !isPath && !isList && <p class="muted">{t("map.help")}</p>}
        {named.answer && <Unplaced state={named.answer.state} />}
        {named.error && !isList && <ErrorNotice error={named.error} retry={named.retry} />}
      </div>
    </div>
  );
}

/** Return the names of what a colouring numbers. */
function numberedNames(names: Named["names"], by: Colouring): ReadonlyMap<number, string> {
  if (by === "sound") return new Map(names.sound_tags.map((name, place) => [place + 1, tagName(name)]));
  return new Map(names.genres.map(({ id, name }) => [id, name]));
}

function Switch({ label, isOn, press }: { label: string; isOn: boolean; press: () => void }) {
  return (
    <button type="button" class="button switch" aria-pressed={isOn} onClick={press}>
      {label}
    </button>
  );
}

/** Says how many tracks are not on the map yet. */
function Unplaced({ state }: { state: Named["state"] }) {
  if (state.placed >= state.tracks) return null;
  return <p class="muted">{t("map.placed", { count: state.placed, tracks: state.tracks })}</p>;
}
