import { session } from "../api/session";
import { isStarred, type StarKind, toggleStar } from "../api/stars";
import { t } from "../messages";
import { Icon } from "./Icon";
import "./Star.css";

/** Gives something a star, or takes it away. Guests have none. The view calls `loadStars` for all that it shows. */
export function Star({ kind, id, title }: { kind: StarKind; id: number; title: string }) {
  if (!session.value?.user) return null;
  const isOn = isStarred(kind, id);
  return (
    <button
      type="button"
      class="icon-button star"
      aria-pressed={isOn}
      aria-label={t("library.star", { title })}
      onClick={() => toggleStar(kind, id)}
    >
      <Icon name="star" size={20} isFilled={isOn} />
    </button>
  );
}
