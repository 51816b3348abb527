import type { ComponentChildren } from "preact";
import { get } from "../../api/client";
import { queryOf } from "../../api/query";
import type { components } from "../../api/schema";
import { address } from "../../base_path";
import { AlbumCard } from "../../components/AlbumCard";
import { ArtistCard } from "../../components/ArtistCard";
import { Answered } from "../../components/Notice";
import { TrackList } from "../../components/TrackList";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { GenreLink } from "./GenreLink";
import { type Kind, TITLES } from "./kinds";
import { useResultKeys } from "./use_result_keys";

type Found = components["schemas"]["FoundAll"];
const BEST = 6;

/** The best artists, albums, tracks and genres. */
export function FoundAll({ q }: { q: string }) {
  const asked = useAnswer((signal) => get("/api/search/all", { query: { q, limit: BEST }, signal }), [q]);
  const onKeyDown = useResultKeys();
  return (
    <>
      <h1 class="visually-hidden">{t("search.title", { q })}</h1>
      <p class="visually-hidden" role="status">
        {asked.answer && !asked.isLoading && summaryOf(asked.answer)}
      </p>
      <Answered asked={asked}>
        {(found) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys lead from result to result
          <div onKeyDown={onKeyDown}>
            <Notes found={found} />
            <Section q={q} kind="artist" found={found.artists} class="artists">
              {found.artists.items.map((artist) => (
                <li key={artist.id}>
                  <ArtistCard artist={artist} />
                </li>
              ))}
            </Section>
            <Section q={q} kind="album" found={found.albums} class="albums">
              {found.albums.items.map((album) => (
                <li key={album.id}>
                  <AlbumCard album={album} />
                </li>
              ))}
            </Section>
            {found.tracks.items.length > 0 && (
              <section class="found">
                <Title q={q} kind="track" found={found.tracks} />
                <TrackList label={t("library.tracks")} tracks={found.tracks.items} lead="cover" hasAlbum />
              </section>
            )}
            <Section q={q} kind="genre" found={found.genres} class="genres">
              {found.genres.items.map((genre) => (
                <li key={genre.id}>
                  <GenreLink genre={genre} />
                </li>
              ))}
            </Section>
          </div>
        )}
      </Answered>
    </>
  );
}

interface OfKind {
  q: string;
  kind: Kind;
  found: { items: readonly unknown[]; total: number };
}

function Section({ children, class: name, ...rest }: OfKind & { class: string; children: ComponentChildren }) {
  if (!rest.found.items.length) return null;
  return (
    <section class="found">
      <Title {...rest} />
      <ul class={`results ${name}`}>{children}</ul>
    </section>
  );
}

function Title({ q, kind, found }: OfKind) {
  return (
    <div class="found-title">
      <h2>{t(TITLES[kind])}</h2>
      {found.total > found.items.length && (
        <a class="muted" href={address(`/search${queryOf({ q, kind })}`)}>
          {t("search.all", { count: found.total })}
        </a>
      )}
    </div>
  );
}

function Notes({ found }: { found: Found }) {
  const kinds = Object.values(found);
  const isNothing = kinds.every(({ items }) => !items.length);
  const isSimilar = !isNothing && kinds.every(({ total, similar }) => total === similar);
  return (
    <>
      {isNothing && <p class="notice">{t("search.nothing")}</p>}
      {isSimilar && <p class="notice muted">{t("search.similar")}</p>}
      {kinds.some(({ complete }) => !complete) && <p class="notice muted">{t("search.incomplete")}</p>}
    </>
  );
}

function summaryOf(found: Found): string {
  const counts = [
    t("library.artistCount", { count: found.artists.total }),
    t("count.albums", { count: found.albums.total }),
    t("count.tracks", { count: found.tracks.total }),
  ];
  return Object.values(found).some(({ items }) => items.length) ? counts.join(", ") : t("search.nothing");
}
