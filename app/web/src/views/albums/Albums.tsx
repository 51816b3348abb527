import { useLocation } from "preact-iso";
import { get } from "../../api/client";
import { queryOf } from "../../api/query";
import { address } from "../../base_path";
import { AlbumCard } from "../../components/AlbumCard";
import { ALBUM_CARDS } from "../../components/grid/sizes";
import { usePagedList } from "../../components/grid/use_paged_list";
import { VirtualGrid } from "../../components/grid/VirtualGrid";
import { ListHead } from "../../components/ListHead";
import { RadioButton } from "../../components/RadioButton";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { tagName } from "../../sound_tags";
import { AlbumControls } from "./AlbumControls";
import { type AlbumQuery, apiQuery, readQuery, writeQuery } from "./album_query";

/** All albums, or those that some filters leave, in an order. The address says which. */
export function Albums() {
  const { query, route } = useLocation();
  const chosen = readQuery(query);
  const asked = apiQuery(chosen);
  const list = usePagedList(`albums${queryOf(asked)}`, ({ isFirst, ...part }, signal) =>
    get("/api/albums", { query: { ...asked, ...part, count: isFirst }, signal }),
  );
  const genre = useAnswer(
    async (signal) =>
      chosen.genre_id ? get("/api/genres/{genre_id}", { path: { genre_id: chosen.genre_id }, signal }) : undefined,
    [chosen.genre_id],
  );
  const total = list.total.value;
  const change = (next: AlbumQuery) => route(address(`/albums${queryOf(writeQuery(next))}`), true);
  const title = (chosen.genre_id && genre.answer?.name) || t("nav.albums");
  return (
    <>
      <ListHead title={title} count={total === undefined ? undefined : t("count.albums", { count: total })}>
        {chosen.genre_id && genre.answer && <RadioButton kind="genre" id={chosen.genre_id} title={genre.answer.name} />}
        {chosen.tag && <RadioButton kind="tag" id={chosen.tag} title={tagName(chosen.tag)} />}
      </ListHead>
      <AlbumControls chosen={chosen} onChange={change} />
      <VirtualGrid key={queryOf(asked)} list={list} label={title} size={ALBUM_CARDS} empty={t("library.noAlbums")}>
        {(album) => <AlbumCard album={album} />}
      </VirtualGrid>
    </>
  );
}
