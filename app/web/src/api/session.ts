/** Who has signed in. */
import { signal } from "@preact/signals";
import { address } from "../base_path";
import { get, onSignedOut } from "./client";
import type { components } from "./schema";

type Session = components["schemas"]["soniquebay__api__models__accounts__Session"];
export const session = signal<Session | undefined>(undefined);

/** Ask who has signed in, and lead to the sign-in where somebody has to. */
export async function loadSession(): Promise<void> {
  onSignedOut(leadToSignIn);
  const found = await get("/api/session");
  session.value = found;
}

/** Open the page on which one signs in; it leads back here. */
export function leadToSignIn(): void {
  location.assign(address(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`));
}
