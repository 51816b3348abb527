import { useRoute } from "preact-iso";

export function ArtistView() {
  return <h1>{useRoute().params["id"]}</h1>;
}
