import { t } from "../../messages";
import type { Coloured, Colouring } from "./colours";

interface Props {
  coloured: Coloured;
  by: Colouring;
  /** Undefined until they are known. */
  genreNames: ReadonlyMap<number, string> | undefined;
}

/** What the colours mean. */
export function Legend({ coloured, by, genreNames }: Props) {
  if (by === "genre" && !genreNames) return null;
  return (
    <section class="map-legend">
      <h2>{t(`map.by.${by}`)}</h2>
      <ul>
        {coloured.classes
          .filter(({ count }) => count > 0)
          .map(({ colour, label, genre, words, count }) => (
            <li key={label ?? genre ?? words} title={t("count.tracks", { count })}>
              <i aria-hidden="true" style={{ background: `var(${colour})` }} />
              {words ? t(`map.${words}`) : (label ?? genreNames?.get(genre ?? 0))}
            </li>
          ))}
      </ul>
    </section>
  );
}
