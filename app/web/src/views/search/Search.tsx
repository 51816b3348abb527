import { t } from "../../messages";

export function Search() {
  return <h1>{t("nav.search")}</h1>;
}
