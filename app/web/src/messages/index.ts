/** What the page says, in the listener's language. */
import { computed, signal } from "@preact/signals";
import { en, type MessageName, type Messages } from "./en";

export type { MessageName } from "./en";

/** The languages by their own names. Each has one file of messages. */
export const languages = { en: "English", fr: "Français", de: "Deutsch" } as const;
export type Language = keyof typeof languages;

const STORED_AS = "language";
const messages = signal<Messages>(en);
export const language = signal<Language>("en");
// They are kept: a phone takes 60 ms to make the first one.
const plural = computed(() => new Intl.PluralRules(language.value));
const numbers = computed(() => new Intl.NumberFormat(language.value));

/** Return a message with its values filled in. A number `count` chooses the plural form. */
export function t(name: MessageName, values: Record<string, string | number> = {}): string {
  const message = messages.value[name];
  const text = typeof message === "string" ? message : message[formOf(values["count"])];
  return text.replace(/\{(\w+)\}/g, (_, value: string) => shown(values[value]));
}

/** Show a number as people of the language write it. */
export function shown(value: string | number | undefined): string {
  return typeof value === "number" ? numbers.value.format(value) : (value ?? "");
}

function formOf(count: string | number | undefined): "one" | "other" {
  return plural.value.select(Number(count ?? 0)) === "one" ? "one" : "other";
}

/** Take the language that was chosen in this browser, else the first of the browser's that there is. */
export async function loadLanguage(): Promise<void> {
  const wanted = [localStorage.getItem(STORED_AS) ?? "", ...navigator.languages];
  const known = wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in languages);
  await useLanguage((known ?? "en") as Language);
}

/** Choose a language for this browser. */
export async function chooseLanguage(chosen: Language): Promise<void> {
  localStorage.setItem(STORED_AS, chosen);
  await useLanguage(chosen);
}

async function useLanguage(chosen: Language): Promise<void> {
  // A language is fetched when it is needed: a listener has one.
  if (chosen === "fr") messages.value = (await import("./fr")).fr;
  else if (chosen === "de") messages.value = (await import("./de")).de;
  else messages.value = en;
  language.value = chosen;
  document.documentElement.lang = chosen;
  window.requestIdleCallback?.(() => numbers.value); // so that no view waits for it; Safari makes it when it is needed
}
