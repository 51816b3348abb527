import { t } from "../../messages";
import type { Coloured, Colouring } from "./colours";

/** What the colours mean. */
export function Legend({ coloured, by }: { coloured: Coloured; by: Colouring }) {
  return (
    <section class="map-legend">
      <h2>{t(`map.by.${by}`)}</h2>
      <ul>
        {coloured.classes
          .filter(({ count }) => count > 0)
          .map(({ colour, label, words, count }) => (
            <li key={label ?? words} title={t("count.tracks", { count })}>
              <i aria-hidden="true" style={{ background: `var(${colour})` }} />
              {words ? t(`map.${words}`) : label}
            </li>
          ))}
      </ul>
    </section>
  );
}
