import { useRoute } from "preact-iso";

export function PlaylistView() {
  return <h1>{useRoute().params["id"]}</h1>;
}
