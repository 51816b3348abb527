import { t } from "../../messages";
import type { Coloured, Colouring } from "./colours";

interface Props {
  coloured: Coloured;
  by: Colouring;
  /** Of the genres or the sound tags by their numbers. Undefined until they are known. */
  names: ReadonlyMap<number, string> | undefined;
}

/** What the colours mean. */
export function Legend({ coloured, by, names }: Props) {
  if (!names && coloured.classes.some(({ number }) => number)) return null;
  return (
    <section class="map-legend">
      <h2>{t(`map.by.${by}`)}</h2>
      <ul>
        {coloured.classes
          .filter(({ count }) => count > 0)
          .map(({ colour, label, number, words, count }) => (
            <li key={label ?? number ?? words} title={t("count.tracks", { count })}>
              <i aria-hidden="true" style={{ background: `var(${colour})` }} />
              {words ? t(`map.${words}`) : (label ?? names?.get(number ?? 0))}
            </li>
          ))}
      </ul>
    </section>
  );
}
