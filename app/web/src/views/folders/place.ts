/** Which folder is shown. */
export interface Place {
  /** The number of the folder of music. */
  root: number;
  /** Below that; "" is that itself. */
  path: string;
}

/** Read an address; undefined for the beginning. */
export function readPlace(query: Record<string, string>): Place | undefined {
  const root = Number(query["root"]);
  return Number.isInteger(root) && root > 0 ? { root, path: query["path"] ?? "" } : undefined;
}

/** Return the folders above one, the outermost first; the name of the folder of music itself is "". */
export function crumbsOf({ path }: Place): { path: string; name: string }[] {
  if (!path) return [];
  const names = path.split("/").slice(0, -1);
  return ["", ...names].map((name, depth) => ({ path: names.slice(0, depth).join("/"), name }));
}
