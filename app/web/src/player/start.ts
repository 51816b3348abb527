import { startShortcuts } from "./keys";
import { startMediaSession } from "./media_session";
import { startPlays } from "./plays";
import { startSavedQueue } from "./saved_queue";

/** Connect the player with the system, the keyboard and the appliance. Call it once, when it is known who listens. */
export function startPlayer(): void {
  startMediaSession();
  startShortcuts();
  startPlays();
  startSavedQueue();
}
