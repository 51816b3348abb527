/** The upload of a release: the archive in parts, so that no request is large, and it is known how far it has come. */
import { post, put, remove } from "../../api/client";

const PART_BYTES = 512 * 1024;
const MAX_SIGNATURE_BYTES = 16 * 1024; // more is none, which the API says

/** Send an archive and its signature; tell the share that has arrived. Throws an `ApiError`; then nothing is left. */
export async function sendRelease(
  archive: File,
  signature: File,
  abort: AbortSignal,
  tell: (share: number) => void,
): Promise<void> {
  const text = await signature.slice(0, MAX_SIGNATURE_BYTES + 1).text();
  const { id } = await post("/api/updates/upload", {
    body: { name: archive.name, bytes: archive.size, signature: text },
  });
  try {
    for (let offset = 0; offset < archive.size; offset += PART_BYTES) {
      const blob = archive.slice(offset, offset + PART_BYTES);
      await put("/api/updates/upload", { query: { upload: id, offset }, blob, signal: abort });
      tell(Math.min((offset + PART_BYTES) / archive.size, 1));
    }
  } catch (problem) {
    await remove("/api/updates/upload", { query: { upload: id } }).catch(() => {}); // else the API does it in minutes
    throw problem;
  }
}
