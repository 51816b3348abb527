import { allPages, PAGE_ITEMS } from "../../api/all_pages";
import { get } from "../../api/client";
import type { Genre } from "../../api/models";
import { queryOf } from "../../api/query";
import { address } from "../../base_path";
import { Answered } from "../../components/Notice";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { type Years, yearsBetween } from "./decades";
import "./Genres.css";

/** Ways into the library by what music is, and from when. Each leads to the list of its albums. */
export function Genres() {
  const genres = useAnswer(loadGenres, []);
  const decades = useAnswer(loadDecades, []);
  return (
    <>
      <h1>{t("nav.genres")}</h1>
      <Answered asked={genres}>
        {(found) => (
          <>
            {!found.length && <p class="notice muted">{t("list.empty")}</p>}
            <ul class="doors" aria-label={t("nav.genres")}>
              {found.map(({ id, name, albums, tracks }) => (
                <Door
                  key={id}
                  name={name}
                  much={albums ? t("count.albums", { count: albums }) : t("count.tracks", { count: tracks })}
                  query={{ genre_id: id }}
                />
              ))}
            </ul>
          </>
        )}
      </Answered>
      <section class="decades">
        <h2>{t("library.years")}</h2>
        <Answered asked={decades}>
          {(found) => (
            <ul class="doors" aria-label={t("library.years")}>
              {found.map(({ years, albums }) => (
                <Door
                  key={years.year_to}
                  name={nameOf(years)}
                  much={t("count.albums", { count: albums })}
                  query={{ sort: "year", ...years }}
                />
              ))}
            </ul>
          )}
        </Answered>
      </section>
    </>
  );
}

function Door({ name, much, query }: { name: string; much: string; query: object }) {
  return (
    <li>
      <a href={address(`/albums${queryOf(query)}`)}>
        <span class="one-line">{name}</span>
        <span class="muted">{much}</span>
      </a>
    </li>
  );
}

function nameOf({ year_from, year_to }: Years): string {
  if (year_from === undefined) return t("library.before", { year: String(year_to + 1) });
  return t("library.decade", { year: String(year_from) });
}

function loadGenres(signal: AbortSignal): Promise<Genre[]> {
  return allPages((cursor) => get("/api/genres", { query: { limit: PAGE_ITEMS, count: false, cursor }, signal }));
}

/** Return the decades that have albums. The API counts the albums of each. */
async function loadDecades(signal: AbortSignal): Promise<{ years: Years; albums: number }[]> {
  const one = { limit: 1, sort: "year", year_from: 1, count: false } as const;
  const [first, last] = await Promise.all(
    (["asc", "desc"] as const).map((order) => get("/api/albums", { query: { ...one, order }, signal })),
  );
  const [oldest, newest] = [first?.items[0]?.year, last?.items[0]?.year];
  if (!oldest || !newest) return [];
  const counted = yearsBetween(oldest, newest).map(async (years) => {
    const { total } = await get("/api/albums", { query: { ...years, limit: 1 }, signal });
    return { years, albums: total ?? 0 };
  });
  return (await Promise.all(counted)).filter(({ albums }) => albums > 0);
}
