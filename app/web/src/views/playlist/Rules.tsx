import { t } from "../../messages";
import { linesOf, spaced } from "./rule_lines";

/** The rules of a smart playlist, to be read. The API changes them. */
export function Rules({ rules }: { rules: Record<string, unknown> }) {
  const text = (name: string) => (typeof rules[name] === "string" ? (rules[name] as string) : undefined);
  return (
    <section class="rules">
      <h2>{t("playlist.rules")}</h2>
      <ul>
        {linesOf(rules).map((line, index) => (
          <li key={index} style={{ marginInlineStart: `${1.25 * line.depth}rem` }}>
            {line.group ? (
              <strong>{t(line.group === "all" ? "playlist.all" : "playlist.any")}</strong>
            ) : (
              <>
                {spaced(line.field ?? "")} <span class="muted">{spaced(line.operator ?? "")}</span> {line.value}
              </>
            )}
          </li>
        ))}
        {text("sort") && <li class="muted">{t("playlist.sortedBy", { fields: text("sort") ?? "" })}</li>}
        {typeof rules["limit"] === "number" && <li class="muted">{t("playlist.atMost", { count: rules["limit"] })}</li>}
      </ul>
    </section>
  );
}
