/** What to do about a file that could not be taken in. */
import type { MessageName } from "../../messages";

const HINTS: readonly [RegExp, MessageName][] = [
  [/Permission denied/, "hint.permission"],
  [/Input\/output error|No such device|not connected/, "hint.drive"],
  [/FairPlay|DRM|encrypted|protected/i, "hint.protected"],
  [/video/, "hint.video"],
  [/is not followed/, "hint.ignoreFile"],
  [/given up|timed? out|took longer/i, "hint.again"],
];

export function hintOf(reason: string): MessageName {
  return HINTS.find(([pattern]) => pattern.test(reason))?.[1] ?? "hint.damaged";
}
