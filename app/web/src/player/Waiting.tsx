import { t } from "../messages";
import { waitingFor } from "./player";

/** What the music waits for. */
export function Waiting() {
  return <>{t(waitingFor.value === "drive" ? "player.waitingForDrive" : "player.waiting")}</>;
}
