/** The colours of CSS as numbers, because the pixels of a canvas are numbers. */

/** Return what custom properties mean within an element now, each as 0xBBGGRR. */
export function readColours(element: Element, names: readonly string[]): Uint32Array {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(names.length, 1);
  canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return new Uint32Array(names.length);
  const probes = names.map((name) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    return probe;
  });
  element.append(...probes); // all before the first is read: the browser then works out their styles at once
  probes.forEach((probe, place) => {
    context.fillStyle = getComputedStyle(probe).color; // light-dark() and oklch() are resolved by the browser
    context.fillRect(place, 0, 1, 1);
  });
  for (const probe of probes) probe.remove();
  const { data } = context.getImageData(0, 0, canvas.width, 1);
  return Uint32Array.from(names, (_, place) => {
    const [red = 0, green = 0, blue = 0] = data.subarray(4 * place);
    return red | (green << 8) | (blue << 16);
  });
}
