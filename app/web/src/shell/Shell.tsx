import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { isConnected } from "../api/live";
import { session } from "../api/session";
import { address, basePath } from "../base_path";
import { AddToPlaylist } from "../components/AddToPlaylist";
import { addToPlaylist, tracksToAdd } from "../components/add_to_playlist";
import { Icon, type IconName } from "../components/Icon";
import { Told } from "../components/Told";
import { type MessageName, t } from "../messages";
import { PlayerBar } from "../player/PlayerBar";
import { AccountMenu } from "./AccountMenu";
import { SearchField } from "./SearchField";
import "./Shell.css";

interface Place {
  path: string;
  label: MessageName;
  icon: IconName;
  /** Only for those who manage the appliance. */
  isManaged?: boolean;
}

const PLACES: readonly Place[] = [
  { path: "/", label: "nav.home", icon: "home" },
  { path: "/albums", label: "nav.albums", icon: "album" },
  { path: "/artists", label: "nav.artists", icon: "artist" },
  { path: "/genres", label: "nav.genres", icon: "genre" },
  { path: "/folders", label: "nav.folders", icon: "folder" },
  { path: "/map", label: "nav.map", icon: "map" },
  { path: "/playlists", label: "nav.playlists", icon: "playlist" },
  { path: "/machine", label: "nav.machine", icon: "machine", isManaged: true },
  { path: "/settings", label: "nav.settings", icon: "settings" },
];

/** The frame around every view: menu, state of the connection, content, and the player at the foot. */
export function Shell({ children }: { children: ComponentChildren }) {
  return (
    <div class="shell">
      <a class="skip" href="#content">
        {t("app.skip")}
      </a>
      <Menu />
      <header class="top">
        <a class="brand" href={address("/")} aria-label={t("app.name")}>
          <img src={address("/icon.svg")} alt="" width="24" height="24" />
          <span>{t("app.name")}</span>
        </a>
        <SearchField />
        <AccountMenu />
      </header>
      <main id="content" tabIndex={-1}>
        {!isConnected.value && (
          <p class="disconnected" role="status">
            {t("app.disconnected")}
          </p>
        )}
        {children}
      </main>
      <PlayerBar />
      <Told />
      {tracksToAdd.value.length > 0 && <AddToPlaylist tracks={tracksToAdd.value} onClose={() => addToPlaylist([])} />}
    </div>
  );
}

function Menu() {
  const { path } = useLocation();
  const here = path.slice(basePath.length) || "/";
  const places = PLACES.filter((place) => !place.isManaged || session.value?.role === "manage");
  return (
    <nav class="menu" aria-label={t("app.menu")}>
      <a class="brand" href={address("/")} aria-label={t("app.name")}>
        <img src={address("/icon.svg")} alt="" width="28" height="28" />
        <span>{t("app.name")}</span>
      </a>
      <ul>
        {places.map((place) => (
          <li key={place.path}>
            <a href={address(place.path)} aria-current={isWithin(here, place.path) ? "page" : undefined}>
              <Icon name={place.icon} />
              <span>{t(place.label)}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function isWithin(here: string, path: string): boolean {
  return path === "/" ? here === "/" : here === path || here.startsWith(`${path}/`);
}
