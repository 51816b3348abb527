import { post } from "../api/client";
import { address } from "../base_path";

/** End the session of this browser, and open the page on which one signs in. */
export async function signOut(): Promise<void> {
  try {
    await post("/api/sign-out");
  } finally {
    location.assign(address("/sign-in"));
  }
}
