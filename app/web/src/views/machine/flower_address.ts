import type { Machine } from "../../api/models";

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Return the address of Flower, beside the page's own; undefined where this browser does not reach it so. A proxy that
 * shows the page below a path of its own (`base`) does not show Flower.
 */
export function flowerAddress(flower: Machine["flower"], host: string, base: string): string | undefined {
  if (base || (flower.is_local && !LOOPBACK.test(host))) return undefined;
  return `${flower.scheme}://${host}:${flower.port}/`;
}
