import { Fragment } from "preact";
import { useLocation } from "preact-iso";
import { get } from "../../api/client";
import { queryOf } from "../../api/query";
import type { components } from "../../api/schema";
import { address } from "../../base_path";
import { Cover } from "../../components/Cover";
import { Icon } from "../../components/Icon";
import { Answered } from "../../components/Notice";
import { PlayButtons } from "../../components/PlayButtons";
import { TrackList } from "../../components/TrackList";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { crumbsOf, type Place, readPlace } from "./place";
import "./Folders.css";

type Folder = components["schemas"]["Folder"];
type Content = components["schemas"]["FolderContent"];
const MAX_TRACKS = 500; // of one request

/** The folders of music as they lie on the disk. The address says which one is shown. */
export function Folders() {
  const wanted = readPlace(useLocation().query);
  const asked = useAnswer((signal) => load(wanted, signal), [wanted?.root, wanted?.path]);
  return (
    <Answered asked={asked}>
      {({ content, place }) => (
        <>
          {place && <Crumbs place={place} name={content.name ?? ""} />}
          <h1>{wanted ? content.name : t("nav.folders")}</h1>
          <FolderList folders={content.folders} />
          {content.tracks.length > 0 && (
            <section class="in-folder">
              <h2 class="visually-hidden">{t("library.tracks")}</h2>
              <PlayButtons title={content.name ?? ""} load={async () => content.tracks} />
              {content.total > content.tracks.length && (
                <p class="notice muted">{t("folders.first", { count: content.tracks.length, total: content.total })}</p>
              )}
              <TrackList label={content.name ?? ""} tracks={content.tracks} lead="cover" />
            </section>
          )}
          {!content.folders.length && !content.tracks.length && <p class="notice muted">{t("list.empty")}</p>}
        </>
      )}
    </Answered>
  );
}

function Crumbs({ place, name }: { place: Place; name: string }) {
  const crumbs = crumbsOf(place);
  if (!crumbs.length) return null;
  return (
    <nav class="crumbs" aria-label={t("folders.above")}>
      {crumbs.map(({ path, name: above }) => (
        <Fragment key={path}>
          <a href={addressOf({ root: place.root, path })}>{above || t("nav.folders")}</a>
          <span aria-hidden="true">/</span>
        </Fragment>
      ))}
      <span class="visually-hidden">{name}</span>
    </nav>
  );
}

function FolderList({ folders }: { folders: readonly Folder[] }) {
  if (!folders.length) return null;
  return (
    <ul class="folders" aria-label={t("nav.folders")}>
      {folders.map((folder) => (
        <li key={`${folder.root} ${folder.path}`}>
          <a href={addressOf(folder)}>
            {folder.has_cover && folder.album_id !== null ? (
              <Cover kind="album" id={folder.album_id} hasPicture title={folder.name} size={160} />
            ) : (
              <span class="cover">
                <Icon name="folder" />
              </span>
            )}
            <span class="one-line">{folder.name}</span>
            <span class="muted">{t("count.tracks", { count: folder.tracks })}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function addressOf({ root, path }: Place): string {
  return address(`/folders${queryOf({ root, path: path || undefined })}`);
}

/** Ask for a folder. Where there is one folder of music alone, what lies in it is the beginning. */
async function load(place: Place | undefined, signal: AbortSignal): Promise<{ content: Content; place?: Place }> {
  if (place) {
    const content = await get("/api/folders", { query: { ...place, limit: MAX_TRACKS }, signal });
    return { content, place };
  }
  const content = await get("/api/folders", { signal });
  const [only, ...others] = content.folders;
  return only && !others.length ? load({ root: only.root, path: "" }, signal) : { content };
}
