import { useMemo, useState } from "preact/hooks";
import { Choice } from "../../components/Choice";
import { RadioButton } from "../../components/RadioButton";
import { t } from "../../messages";
import { Region } from "./Region";
import { byDistance } from "./region";
import type { MapData } from "./use_map_data";

const MAX_PLACES = 200;
const MAX_TRACKS = 300;

/** The map as a list: the tracks around a genre or an artist, the nearest first. */
export function AroundList({ data: { points, labels } }: { data: MapData }) {
  const places = useMemo(() => [...labels.genre, ...labels.artist].slice(0, MAX_PLACES), [labels]);
  const [chosen, setChosen] = useState("0");
  const place = places[Number(chosen)];
  const ids = useMemo(() => {
    const all = Array.from(points.ids.keys());
    const around = place ? byDistance(points, all, place) : all;
    return around.slice(0, MAX_TRACKS).map((index) => points.ids[index] as number);
  }, [points, place]);
  return (
    <div class="map-list">
      <div>
        <Choice
          label={t("map.around")}
          value={chosen}
          options={places.map(({ name }, index) => ({ value: String(index), label: name }))}
          onChange={setChosen}
        />
        {place && <RadioButton kind={place.kind} id={place.id} title={place.name} />}
      </div>
      <Region title={t("map.aroundTitle", { name: place?.name ?? "" })} ids={ids} />
    </div>
  );
}
