import { useLocation } from "preact-iso";
import { t } from "../../messages";
import { FoundAll } from "./FoundAll";
import { FoundOfKind } from "./FoundOfKind";
import { isKind } from "./kinds";
import "./Search.css";

/** What a search finds: the best of each kind, or all of one kind. The field at the top changes the address. */
export function Search() {
  const { query } = useLocation();
  const q = query["q"]?.trim() ?? "";
  const kind = query["kind"];
  if (!q) {
    return (
      <>
        <h1>{t("nav.search")}</h1>
        <p class="notice muted">{t("search.hint")}</p>
      </>
    );
  }
  return isKind(kind) ? <FoundOfKind key={`${kind} ${q}`} q={q} kind={kind} /> : <FoundAll q={q} />;
}
