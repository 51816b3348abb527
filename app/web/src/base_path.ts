/** The path below which the appliance answers behind a reverse proxy, without a slash at its end; "" for none. */
export const basePath = document.querySelector<HTMLMetaElement>('meta[name="base-path"]')?.content ?? "";

/** Return the address of a path of the appliance, such as `/api/tracks`. */
export function address(path: string): string {
  return basePath + path;
}
