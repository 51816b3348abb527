/** The names of the sound tags: of genres as all languages have them, of other words in the listener's language. */
import { type MessageName, t } from "./messages";

const WORDS: Readonly<Record<string, MessageName>> = {
  acoustic: "tag.acoustic",
  beautiful: "tag.beautiful",
  catchy: "tag.catchy",
  chill: "tag.chill",
  "easy listening": "tag.easyListening",
  experimental: "tag.experimental",
  "female vocalists": "tag.femaleVocalists",
  guitar: "tag.guitar",
  instrumental: "tag.instrumental",
  "male vocalists": "tag.maleVocalists",
  oldies: "tag.oldies",
  party: "tag.party",
  rnb: "tag.rnb",
  sexy: "tag.sexy",
};

/** Return a sound tag as the listener reads it. */
export function tagName(name: string): string {
  const word = WORDS[name];
  return word ? t(word) : name.charAt(0).toUpperCase() + name.slice(1);
}
