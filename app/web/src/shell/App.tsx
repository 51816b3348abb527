import type { ComponentType } from "preact";
import { ErrorBoundary, LocationProvider, lazy, Route, Router } from "preact-iso";
import { basePath } from "../base_path";
import { t } from "../messages";
import { Home } from "../views/home/Home";
import { Shell } from "./Shell";
import { useScrollMemory } from "./scroll_memory";

// A view that is not the first one is fetched when it is opened. That fails while the appliance is away, and after an
// upgrade, which has other files.
const view = (load: () => Promise<ComponentType>) => lazy(() => load().catch(() => NotLoaded));
const Albums = view(() => import("../views/albums/Albums").then((m) => m.Albums));
const AlbumView = view(() => import("../views/album/AlbumView").then((m) => m.AlbumView));
const Artists = view(() => import("../views/artists/Artists").then((m) => m.Artists));
const ArtistView = view(() => import("../views/artist/ArtistView").then((m) => m.ArtistView));
const Genres = view(() => import("../views/genres/Genres").then((m) => m.Genres));
const Folders = view(() => import("../views/folders/Folders").then((m) => m.Folders));
const Playlists = view(() => import("../views/playlists/Playlists").then((m) => m.Playlists));
const PlaylistView = view(() => import("../views/playlist/PlaylistView").then((m) => m.PlaylistView));
const Search = view(() => import("../views/search/Search").then((m) => m.Search));
const Queue = view(() => import("../views/queue/Queue").then((m) => m.Queue));
const MapView = view(() => import("../views/map/MapView").then((m) => m.MapView));
const BlendView = view(() => import("../views/blend/BlendView").then((m) => m.BlendView));
const Machine = view(() => import("../views/machine/Machine").then((m) => m.Machine));
const Duplicates = view(() => import("../views/duplicates/Duplicates").then((m) => m.Duplicates));
const Settings = view(() => import("../views/settings/Settings").then((m) => m.Settings));

/** All views by their addresses. `api/web_page.py` answers the first part of each with the page. */
export function App() {
  return (
    <LocationProvider scope={basePath || "/"}>
      <Shell>
        <ErrorBoundary>
          <Views />
        </ErrorBoundary>
      </Shell>
    </LocationProvider>
  );
}

function Views() {
  const keepScroll = useScrollMemory();
  return (
    <Router onRouteChange={keepScroll}>
      <Route path={`${basePath}/`} component={Home} />
      <Route path={`${basePath}/albums`} component={Albums} />
      <Route path={`${basePath}/albums/:id`} component={AlbumView} />
      <Route path={`${basePath}/artists`} component={Artists} />
      <Route path={`${basePath}/artists/:id`} component={ArtistView} />
      <Route path={`${basePath}/genres`} component={Genres} />
      <Route path={`${basePath}/folders`} component={Folders} />
      <Route path={`${basePath}/playlists`} component={Playlists} />
      <Route path={`${basePath}/playlists/:id`} component={PlaylistView} />
      <Route path={`${basePath}/search`} component={Search} />
      <Route path={`${basePath}/queue`} component={Queue} />
      <Route path={`${basePath}/map`} component={MapView} />
      <Route path={`${basePath}/blend`} component={BlendView} />
      <Route path={`${basePath}/machine`} component={Machine} />
      <Route path={`${basePath}/machine/duplicates`} component={Duplicates} />
      <Route path={`${basePath}/settings`} component={Settings} />
      <Route default component={NotFound} />
    </Router>
  );
}

/** Says that a part of the page, or all of it, could not be fetched, and offers to try again. */
export function NotLoaded() {
  return (
    <div class="notice" role="alert">
      <p>{t("error.view")}</p>
      <button type="button" class="button" onClick={() => location.reload()}>
        {t("list.retry")}
      </button>
    </div>
  );
}

function NotFound() {
  return <p class="notice">{t("error.page")}</p>;
}
