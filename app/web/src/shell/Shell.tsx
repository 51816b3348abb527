import type { ComponentChildren } from "preact";
import { failureText } from "../api/failure";
import { isConnected } from "../api/live";
import { address } from "../base_path";
import { AddToPlaylist } from "../components/AddToPlaylist";
import { addToPlaylist, tracksToAdd } from "../components/add_to_playlist";
import { Told } from "../components/Told";
import { t } from "../messages";
import { PlayerBar } from "../player/PlayerBar";
import { whyUnsaved } from "../player/unsaved";
import { AccountMenu } from "./AccountMenu";
import { Menu } from "./Menu";
import { SearchField } from "./SearchField";
import "./Shell.css";

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
        {whyUnsaved.value && (
          <p class="disconnected" role="status">
            {failureText(whyUnsaved.value)} {t("error.unsaved")}
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
