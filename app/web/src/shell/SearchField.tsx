import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { queryOf } from "../api/query";
import { address, basePath } from "../base_path";
import { Icon } from "../components/Icon";
import { t } from "../messages";
import { resultsIn } from "../views/search/use_result_keys";
import "./SearchField.css";

const SETTLE_MS = 150;
const FIELDS = "input, textarea, select, [contenteditable], dialog, [role=menu]";
const SEARCH = `${basePath}/search`;

/** The field at the top. What is typed there gets into the address, and the search view shows what is found. */
export function SearchField() {
  const { path, query, route } = useLocation();
  const isHere = path === SEARCH;
  const asked = isHere ? (query["q"] ?? "") : "";
  const [text, setText] = useState(asked);
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef(0);
  const written = useRef(asked);

  // The address changes by itself, too: by Back, or by a link to another view.
  useEffect(() => {
    if (asked !== written.current) setText(asked);
    written.current = asked;
  }, [asked]);
  useEffect(() => () => clearTimeout(timer.current), []);
  useSlashKey(() => {
    if (!field.current?.checkVisibility()) route(SEARCH);
    // On a phone the field is shown by the new address.
    requestAnimationFrame(() => field.current?.select());
  });

  const write = (q: string) => {
    clearTimeout(timer.current);
    if (q === asked && isHere) return;
    written.current = q;
    route(SEARCH + queryOf({ q: q || undefined }), isHere);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      setText("");
      if (isHere) write("");
    } else if (event.key === "ArrowDown" && focusResult()) event.preventDefault();
  };
  return (
    <search class={`search-field${isHere ? " here" : ""}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          write(text);
          if (!focusResult()) field.current?.blur();
        }}
      >
        <Icon name="search" size={20} />
        <input
          ref={field}
          type="search"
          value={text}
          aria-label={t("nav.search")}
          aria-keyshortcuts="/"
          placeholder={t("search.placeholder")}
          maxLength={200}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          enterkeyhint="search"
          onKeyDown={onKeyDown}
          onInput={(event) => {
            const typed = event.currentTarget.value;
            setText(typed);
            clearTimeout(timer.current);
            timer.current = window.setTimeout(() => write(typed), SETTLE_MS);
          }}
        />
        <span class="key" aria-hidden="true">
          /
        </span>
      </form>
      <a
        class="icon-button"
        href={address("/search")}
        aria-label={t("nav.search")}
        onClick={() => setTimeout(() => field.current?.focus())}
      >
        <Icon name="search" />
      </a>
    </search>
  );
}

/** Focus the first result of the search view. Return false without one. */
function focusResult(): boolean {
  const result = location.pathname === SEARCH ? resultsIn(document.getElementById("content"))[0] : undefined;
  result?.focus();
  return !!result;
}

function useSlashKey(action: () => void): void {
  const latest = useRef(action);
  latest.current = action;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target instanceof Element ? event.target : document.body;
      if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || target.closest(FIELDS)) return;
      event.preventDefault();
      latest.current();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}
