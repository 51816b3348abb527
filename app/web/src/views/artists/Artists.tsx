import { useLocation } from "preact-iso";
import { get } from "../../api/client";
import { queryOf } from "../../api/query";
import { address } from "../../base_path";
import { ArtistCard } from "../../components/ArtistCard";
import { Choice } from "../../components/Choice";
import { ARTIST_CARDS } from "../../components/grid/sizes";
import { usePagedList } from "../../components/grid/use_paged_list";
import { VirtualGrid } from "../../components/grid/VirtualGrid";
import { ListHead } from "../../components/ListHead";
import { t } from "../../messages";
import { type ArtistQuery, apiQuery, ROLES, readQuery, SORTS, writeQuery } from "./artist_query";

/** All artists who have a role. The address says which, and in which order. */
export function Artists() {
  const { query, route } = useLocation();
  const chosen = readQuery(query);
  const asked = apiQuery(chosen);
  const list = usePagedList(`artists${queryOf(asked)}`, ({ isFirst, ...part }, signal) =>
    get("/api/artists", { query: { ...asked, ...part, count: isFirst }, signal }),
  );
  const total = list.total.value;
  const change = (next: ArtistQuery) => route(address(`/artists${queryOf(writeQuery(next))}`), true);
  return (
    <>
      <ListHead
        title={t("nav.artists")}
        count={total === undefined ? undefined : t("library.artistCount", { count: total })}
      />
      <div class="list-controls">
        <Choice
          label={t("library.role")}
          value={chosen.role}
          options={ROLES.map((value) => ({ value, label: t(`library.role.${value}`) }))}
          onChange={(role) => change({ ...chosen, role })}
        />
        <Choice
          label={t("library.sort")}
          value={chosen.sort}
          options={SORTS.map((value) => ({ value, label: t(`library.sort.${value}`) }))}
          onChange={(sort) => change({ ...chosen, sort })}
        />
      </div>
      <VirtualGrid key={queryOf(asked)} list={list} label={t("nav.artists")} size={ARTIST_CARDS}>
        {(artist) => <ArtistCard artist={artist} />}
      </VirtualGrid>
    </>
  );
}
