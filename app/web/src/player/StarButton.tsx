import { useEffect, useState } from "preact/hooks";
import { get, put, remove } from "../api/client";
import { session } from "../api/session";
import { Icon } from "../components/Icon";
import { tell } from "../components/tell";
import { t } from "../messages";

/** Gives the current track a star, or takes it away. A guest has none. */
export function StarButton({ trackId }: { trackId: number }) {
  const [isStarred, setStarred] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    setStarred(false);
    if (session.value?.user)
      void isMarked(trackId, abort.signal).then((found) => !abort.signal.aborted && setStarred(found));
    return () => abort.abort();
  }, [trackId]);
  if (!session.value?.user) return null;
  const change = async () => {
    const path = { kind: "track", item_id: trackId } as const;
    setStarred(!isStarred);
    try {
      if (isStarred) await remove("/api/stars/{kind}/{item_id}", { path });
      else await put("/api/stars/{kind}/{item_id}", { path });
    } catch {
      setStarred(isStarred);
      tell(t("error.network"));
    }
  };
  return (
    <button
      type="button"
      class="icon-button star"
      aria-label={t("player.star")}
      aria-pressed={isStarred}
      onClick={change}
    >
      <Icon name="star" size={20} isFilled={isStarred} />
    </button>
  );
}

async function isMarked(id: number, signal: AbortSignal): Promise<boolean> {
  try {
    const { items } = await get("/api/marks/{kind}/by-id", { path: { kind: "track" }, query: { id: [id] }, signal });
    return items[String(id)]?.starred_at != null;
  } catch {
    return false;
  }
}
