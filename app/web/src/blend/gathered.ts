/** The blend that the listener gathers, from whichever view. The page keeps it until it is closed. */
import { signal } from "@preact/signals";
import type { Track } from "../api/models";
import { address } from "../base_path";
import { tell } from "../components/tell";
import { t } from "../messages";
import { type Blend, NO_TRACKS, PATH, pathOf, type Way, withTrack } from "./blend";

export const gathered = signal<Blend>(NO_TRACKS);

/** Put a track into the blend, and tell so. */
export function gather(way: Way, { id, title }: Track): void {
  gathered.value = withTrack(gathered.peek(), way, id);
  const link = { label: t("blend.show"), href: address(pathOf(gathered.value)) };
  tell(t(`blend.${way}Told`, { title }), location.pathname === address(PATH) ? undefined : link);
}
